"""What the database itself refuses, whichever way a program takes: two bookings of one actor at one time, any change of
the books. It also adds up the accounts, so that a balance is what its entries say.

    hold      two of one actor and seat never overlap; a hold is moved by a new one, never in its place
    entry     is never changed nor deleted, and has accounts of one currency; it is added to them as it is written
    posting   is never changed nor deleted; one that settles or voids a pending one lets go what that one held
    account   stays within `least` and `most`, of debits less credits, what is held against it counted too

SQLite: triggers, https://www.sqlite.org/lang_createtrigger.html. PostgreSQL: an exclusion constraint for holds,
https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-EXCLUDE, and trigger functions.
"""

# acts of a posting, as `books.ACTS` has them: post, pend, settle, void, reverse
PENDING, LETTING_GO = "1", "2, 3"
OVERLAP = "this time is taken"
FIXED = "the books are never changed: post the reverse"
APART = "the two accounts of an entry have different currencies"
BOUNDS = "the account has not so much"

ADD = """
UPDATE account SET debits = debits + CASE WHEN {pending} THEN 0 ELSE NEW.amount END,
    debits_held = debits_held + CASE WHEN {pending} THEN NEW.amount ELSE 0 END WHERE account = NEW.debit;
UPDATE account SET credits = credits + CASE WHEN {pending} THEN 0 ELSE NEW.amount END,
    credits_held = credits_held + CASE WHEN {pending} THEN NEW.amount ELSE 0 END WHERE account = NEW.credit;
"""
ADDED = ADD.format(pending=f"(SELECT act FROM posting WHERE posting = NEW.posting) = {PENDING}")
LET_GO = """
UPDATE account SET
    debits_held = debits_held
        - coalesce((SELECT sum(amount) FROM entry WHERE posting = NEW.about AND debit = account.account), 0),
    credits_held = credits_held
        - coalesce((SELECT sum(amount) FROM entry WHERE posting = NEW.about AND credit = account.account), 0)
WHERE account IN (SELECT debit FROM entry WHERE posting = NEW.about)
   OR account IN (SELECT credit FROM entry WHERE posting = NEW.about);
"""
BEYOND = """
    (NEW.least IS NOT NULL AND NEW.debits - NEW.credits - NEW.credits_held < NEW.least
        AND NEW.credits + NEW.credits_held > OLD.credits + OLD.credits_held)
 OR (NEW.most IS NOT NULL AND NEW.debits - NEW.credits + NEW.debits_held > NEW.most
        AND NEW.debits + NEW.debits_held > OLD.debits + OLD.debits_held)
"""
STRANGERS = """NOT EXISTS (SELECT 1 FROM account d JOIN account c ON c.currency = d.currency
    WHERE d.account = NEW.debit AND c.account = NEW.credit)
"""


def refusing(name: str, when: str, said: str, unless: str = "") -> str:
    """A trigger of SQLite that refuses."""
    condition = f"WHEN {unless} " if unless else ""
    return f"CREATE TRIGGER {name} BEFORE {when} {condition}BEGIN SELECT RAISE(ABORT, '{said}'); END"


SQLITE: tuple[str, ...] = (
    # holds of one actor never overlap, so that only the last one that begins before the new one's end can be in its way
    refusing(
        "hold_apart",
        "INSERT ON hold",
        OVERLAP,
        "(SELECT high FROM hold WHERE actor = NEW.actor AND seat = NEW.seat AND low < NEW.high "
        "ORDER BY low DESC LIMIT 1) > NEW.low",
    ),
    refusing("hold_still", "UPDATE OF actor, seat, low, high ON hold", "a hold is moved by a new one"),
    refusing("entry_fixed", "UPDATE ON entry", FIXED),
    refusing("entry_kept", "DELETE ON entry", FIXED),
    refusing("posting_fixed", "UPDATE ON posting", FIXED),
    refusing("posting_kept", "DELETE ON posting", FIXED),
    refusing("entry_apart", "INSERT ON entry", APART, STRANGERS),
    f"CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN {ADDED} END",
    f"CREATE TRIGGER posting_let_go AFTER INSERT ON posting WHEN NEW.act IN ({LETTING_GO}) BEGIN {LET_GO} END",
    refusing("account_bounds", "UPDATE ON account", BOUNDS, BEYOND),
)


def function(name: str, body: str) -> str:
    """A trigger function of PostgreSQL."""
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"


def raising(said: str, when: str = "") -> str:
    """What raises in PL/pgSQL, as a broken check (SQLSTATE 23514)."""
    raised = f"RAISE EXCEPTION '{said}' USING ERRCODE = '23514';"
    return f"IF {when} THEN {raised} END IF; RETURN NEW;" if when else raised


# (name of the function, its body, when it is called on which tables)
FUNCTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("still", raising("a hold is moved by a new one"), ("BEFORE UPDATE OF actor, seat, low, high ON hold",)),
    ("fixed", raising(FIXED), ("BEFORE UPDATE OR DELETE ON entry", "BEFORE UPDATE OR DELETE ON posting")),
    ("apart", raising(APART, STRANGERS), ("BEFORE INSERT ON entry",)),
    ("added", f"{ADDED} RETURN NULL;", ("AFTER INSERT ON entry",)),
    ("let_go", f"IF NEW.act IN ({LETTING_GO}) THEN {LET_GO} END IF; RETURN NULL;", ("AFTER INSERT ON posting",)),
    ("bounds", raising(BOUNDS, BEYOND), ("BEFORE UPDATE ON account",)),
)
# a number for each second of each seat of each actor: so that no extension is needed beside GiST's own ranges
WIDTH = 2**34  # seconds: more than time has
SECOND = f"((actor::numeric * 1024 + seat) * {WIDTH} + {{}})"
RANGE = f"numrange({SECOND.format('low')}, {SECOND.format('high')})"
POSTGRES: tuple[str, ...] = (
    f"ALTER TABLE hold ADD CONSTRAINT hold_apart EXCLUDE USING gist ({RANGE} WITH &&)",
    *(function(name, body) for name, body, _ in FUNCTIONS),
    *(
        f"CREATE TRIGGER {name}_{n} {when} FOR EACH ROW EXECUTE FUNCTION {name}()"
        for name, _, whens in FUNCTIONS
        for n, when in enumerate(whens)
    ),
)
