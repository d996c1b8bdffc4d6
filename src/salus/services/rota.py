"""Who is on: all listeners and chores of the services. The only module here that knows more than one of them."""

from salus.services.rounds import Chore, Listener

LISTENERS: tuple[Listener, ...] = ()
CHORES: tuple[Chore, ...] = ()
