"""Styles and scripts as pages load them: under names with a hash, compressed."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedAssets(CompressedManifestStaticFilesStorage):
    """Names with a hash, also where a module of ours imports from another.

    Django can look for imports in every script, which finds examples in comments of packages.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", ((r"""(?P<matched> from "(?P<url>\./[^"]+)";)""", """ from "%(url)s";"""),)),
    )
