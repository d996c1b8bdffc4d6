"""What one treatment rather than another would do: average and personal effects from trials and from records.

Knows rows, options and outcomes; no medicine, no store, no page. It answers only where the data can: `gate` holds
results back until they pass, `overlap` refuses people of whom too few alike had the other option.

    study.py        the question: who, which options, which outcome, what counts as the effect
    surfaces.py     the outcome under one option, as a Gaussian process that knows where it knows little
    shared.py       the same of all options at once: a part in common and what each adds; kernels.py their arithmetic
    threads.py      linear algebra on one thread
    staying.py      who was lost before the outcome was known, and who stands for them
    propensity.py   the chance of each option, cross-fitted
    average.py      average effects by cross-fitted AIPW, and the value of a policy
    overlap.py      of whom an estimate may be given at all
    gate.py         what must hold before anybody sees a result
    personal.py     effects of one person: baseline risk and relative effect, or an effect model that has proved itself
    policy.py       shallow trees that say which option, and their worth on people they never saw

and of a task over records, from the seven steps to the bedside:

    declared.py     the task file
    starting.py     time zero, who takes part, what came of it
    covariates.py   features as covariates, the same at the bedside
    answering.py    the steps over a run folder
    bundle.py       what is kept; kept.py the registry, card.py the card
    model.py        one version at the bedside; crowd.py people alike
"""
