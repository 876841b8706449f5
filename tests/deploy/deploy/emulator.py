"""Starts ministack. Resource types of the template that it lacks get a physical id there, and nothing else.

    python -m deploy.emulator TYPE...        the template's resource types
"""

import sys

from ministack.app import main
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as HANDLERS

STAND_IN = {
    "create": lambda logical, properties, stack: (f"{stack}-{logical}", {}),
    "delete": lambda physical, properties: None,
}

if __name__ == "__main__":
    for kind in [kind for kind in sys.argv[1:] if kind not in HANDLERS]:
        print(f"ministack has no {kind}", flush=True)
        HANDLERS[kind] = STAND_IN
    del sys.argv[1:]
    main()
