"""How well the kidneys work, from creatinine."""

from salus.base.errors import Invalid


def egfr(creatinine: float, age: float, sex: str) -> float:
    """Estimated GFR in mL/min per 1.73 m2 from creatinine in mg/dL: CKD-EPI 2021, without race, for 18 years and over.

    https://doi.org/10.1056/NEJMoa2102953. Raises Invalid for a sex that the equation does not know, or a child.

    >>> round(egfr(1.0, 50, "female")), round(egfr(1.0, 50, "male"))
    (69, 92)
    """
    if sex not in ("female", "male") or age < 18 or creatinine <= 0:
        raise Invalid(
            f"CKD-EPI asks for creatinine above 0, 18 years or more, female or male: {creatinine}, {age:.0f}, {sex}"
        )
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine / kappa
    return float(142 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.200 * 0.9938**age * factor)


def clearance(creatinine: float, age: float, sex: str, weight: float) -> float:
    """Creatinine clearance in mL/min from creatinine in mg/dL and weight in kg: Cockcroft and Gault.

    https://doi.org/10.1159/000180580. Raises Invalid as `egfr` does.

    >>> round(clearance(1.0, 60, "male", 72)), round(clearance(1.0, 60, "female", 72))
    (80, 68)
    """
    if sex not in ("female", "male") or age < 18 or creatinine <= 0 or weight <= 0:
        raise Invalid(
            f"Cockcroft and Gault ask for an adult, female or male, with a weight: {age:.0f}, {sex}, {weight}"
        )
    return (140 - age) * weight / (72 * creatinine) * (0.85 if sex == "female" else 1.0)
