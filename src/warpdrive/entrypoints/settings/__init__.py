"""From a YAML file to frozen settings, or to a list of everything that is wrong with it.

`document` reads YAML into texts with line numbers, `expansion` puts `${VAR}` in, `kinds` turns one text into
one value, `decoding` walks a schema of msgspec structs over the document and collects `faults`. The schema
stands in one module a section (`agent`, `cache`, `backends`, `auth`, `telemetry`, `control_plane`); `loading`
puts them together for the agent and `control` for the control plane, and `namespace` turns what was configured into
a Namespace, its tree and its credentials. `control` is imported by its name: the agent does without its libraries.
"""

from warpdrive.entrypoints.settings.agent import AgentSettings
from warpdrive.entrypoints.settings.faults import Fault, SettingsError, render_faults
from warpdrive.entrypoints.settings.loading import load_agent_settings

__all__ = ["AgentSettings", "Fault", "SettingsError", "load_agent_settings", "render_faults"]
