"""What schemathesis must be told to test this API: how a body of TOML is sent."""

import schemathesis


@schemathesis.serializer("application/toml")
def toml(context, value):
    """Bodies are described as texts, and sent as they are."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
