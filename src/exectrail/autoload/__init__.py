"""Zero code: finds the adapters that are installed and switches them on.

Enters: entry points. Leaves: hooked frameworks and a set-up runtime.
May import: runtime, execution, config, guard, conventions.
"""

from exectrail.autoload.adapter import Adapter

__all__ = ["Adapter"]
