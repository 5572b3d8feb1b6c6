"""Who gets how much of what the process used: a division among those that are open side by side.

Between two looks at the meters what was used is divided equally among the open executions that have
no parent here; what each of them got, equally among its open children; and so on. Groups keep the
running total of what one member has got, so that nobody else's account is touched when one joins or
leaves: joining costs a look and a few sums per level, however many are open.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Self

from exectrail.resources.gauge import OfThread, Reading


class Amounts(NamedTuple):
    """What somebody has got so far."""

    seconds: float = 0.0
    cpu: float = 0.0
    read: float = 0.0
    written: float = 0.0

    # Written out: these are most of what a look costs.

    def plus(self, other: Amounts) -> Amounts:
        """Both together."""
        a, b, c, d = self
        e, f, g, h = other
        return Amounts(a + e, b + f, c + g, d + h)

    def minus(self, other: Amounts) -> Amounts:
        """What is over."""
        a, b, c, d = self
        e, f, g, h = other
        return Amounts(a - e, b - f, c - g, d - h)

    def part(self, of: int) -> Amounts:
        """One of so many equal parts."""
        if of == 1:
            return self
        a, b, c, d = self
        return Amounts(a / of, b / of, c / of, d / of)

    @classmethod
    def of(cls, reading: Reading) -> Self:
        """What the whole process has got."""
        return cls(reading.at, reading.cpu, reading.read, reading.written)


_NOTHING: Final = Amounts()


class Account:
    """What is kept of an open execution. Most is never set, so it stands on the class."""

    base = _NOTHING
    """What its group had given each member when it joined."""
    carried = _NOTHING
    """What it got in groups that it has left."""
    children: Group | None = None
    shared = False
    """Whether it had company in a group that it has left."""
    start: Reading | None = None
    """Only where it is measured."""
    children_cpu = 0.0
    moment = 0
    thread_start: OfThread | None = None
    spread = False
    """Whether something beneath it began on another thread."""
    loop = False
    """Whether it began in an event loop, where others take turns with it."""

    def __init__(self, group: Group, began: int, thread: Thread) -> None:
        self.group = group
        self.began = began
        """Number of the change with which it began."""
        self.thread = thread


class Thread:
    """What is open of what began on a thread, in that order."""

    __slots__ = ("mixed", "open")

    def __init__(self) -> None:
        self.open: dict[Account, None] = {}
        self.mixed = False
        """Whether what is open is, or was, not one within the other."""


class Group:
    """Open executions with one parent, or with none in this process."""

    __slots__ = ("crowded", "members", "owner", "seen", "total")

    def __init__(self, owner: Account | None) -> None:
        self.owner = owner
        self.members: dict[Account, None] = {}
        self.total = _NOTHING
        """What a member would have got that was there since this was first reckoned."""
        self.seen: Amounts | None = None
        """What the owner had got when it last was. Who is told of begins with a reckoning."""
        self.crowded = 0
        """Number of the latest change with which it ceased to have several members."""

    def settle(self, now: Amounts) -> None:
        """Give the members what the owner has got since.

        Args:
            now: What the owner has got so far.
        """
        if self.seen is not None:
            # Nobody there: it is nobody's, and the total just goes on.
            part = now.minus(self.seen).part(len(self.members) or 1)
            self.total = self.total.plus(part)
        self.seen = now

    def had_company(self, since: int) -> bool:
        """Whether there were several members at any time since a change."""
        return len(self.members) > 1 or self.crowded >= since


def settle(group: Group, reading: Reading) -> None:
    """Bring a group up to date, and all above it."""
    chain = [group]
    while (owner := chain[-1].owner) is not None:
        chain.append(owner.group)
    for one in reversed(chain):
        one.settle(Amounts.of(reading) if one.owner is None else got(one.owner))


def got(account: Account) -> Amounts:
    """What an account has got, as of when its group was last settled."""
    here = account.group.total.minus(account.base)
    return here if account.carried is _NOTHING else here.plus(account.carried)


def alone(account: Account) -> bool:
    """Whether nothing else was open all its life but what is above it and beneath it."""
    node: Account | None = account
    while node is not None:
        if node.shared or node.group.had_company(account.began):
            return False
        node = node.group.owner
    return True


def join(group: Group, account: Account) -> None:
    """Be a member from now on; the group is settled where that matters."""
    account.group = group
    account.base = group.total
    group.members[account] = None


def leave(account: Account, change: int) -> None:
    """Be none any more. Those beneath it that stay become members in its place.

    Args:
        account: It, in a group that is settled, and so is that of its children.
        change: Number of the change.
    """
    group, children = account.group, account.children
    if len(group.members) > 1:
        group.crowded = max(group.crowded, change)
    group.members.pop(account, None)
    if children is None:
        return
    for child in list(children.members):
        child.carried = got(child)
        child.shared = child.shared or children.had_company(child.began)
        join(group, child)
    children.members.clear()
    account.children = None  # no circle: nobody has to collect it
