"""The spool: what a process hands over survives its death.

Enters: attributes, and where and when they belong. Leaves: files of OTLP/JSON lines, one folder a
process, and requests to the receiver that acknowledges them.
May import: conventions, config, guard and requests; no OpenTelemetry, for the commands and the
supervisor use it too and start fast.
"""

from exectrail.spool.destination import Destination
from exectrail.spool.folder import Folder, folders, root_folder
from exectrail.spool.leftovers import Leftover, ship_leftovers, sweep
from exectrail.spool.lines import LogLines, SpanFact, SpanLines
from exectrail.spool.shipping import Shipped, Shipper
from exectrail.spool.spool import Spool
from exectrail.spool.streams import Stream
from exectrail.spool.together import ship_together

__all__ = [
    "Destination",
    "Folder",
    "Leftover",
    "LogLines",
    "Shipped",
    "Shipper",
    "SpanFact",
    "SpanLines",
    "Spool",
    "Stream",
    "folders",
    "root_folder",
    "ship_leftovers",
    "ship_together",
    "sweep",
]
