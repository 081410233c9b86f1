"""The fields of `zero_service` that its image takes."""

from __future__ import annotations

import os.path
import re
from typing import Iterable, Optional, Tuple

from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException, StringField, StringSequenceField
from pants.util.strutil import help_text

from pants_backend_zero.errors import nearest

PLATFORMS = ("linux/amd64", "linux/arm64")

REVISION = "{revision}"
"""What stands for the option `[zero].image_revision` in a tag."""

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)  # of the OCI distribution specification

LAYOUT = "oci:"
"""What stands before the path of a base that is an OCI layout of the repository."""


class ImageRepositoryField(StringField):
    alias = "image_repository"
    help = help_text("""
        The image's repository, for example `registry.example.com/shop/user-rpc`. Default: the service's name
        below `[zero].image_registry`.
        """)


class ImageBaseField(StringField):
    alias = "image_base"
    help = help_text("""
        The base image: one of a registry by digest, `registry.example.com/base/python@sha256:…`, or an OCI layout in
        this repository, `oci:<folder or tar>`, by its path from the root. It must have the Python that the PEX is
        made for; to be sure which, allow one version in `interpreter_constraints`. Default: the Debian packages of
        Zero's own lock, which need no registry.
        """)

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value = super().compute_value(raw_value, address)
        if value is None:
            return None
        if value.startswith(LAYOUT):
            path = value[len(LAYOUT) :]
            if path != os.path.normpath(path) or path.startswith(("/", "..")):
                raise InvalidFieldException(
                    f"The `{cls.alias}` field of {address} must name a folder or a tar archive by its path from the "
                    f"root of the repository, such as `oci:3rdparty/base.tar`, but was {value!r}."
                )
        elif "@sha256:" not in value:
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} must name an image by digest (name@sha256:…), so that every "
                f"build has the same base, or an OCI layout (oci:path), but was {value!r}."
            )
        return value


class ImageTagsField(StringSequenceField):
    alias = "image_tags"
    default = ("latest",)
    value: tuple[str, ...]
    help = help_text("""
        The tags under which `publish` puts the image into its registry. `{revision}` stands for the option
        `[zero].image_revision`. Manifests name the image by digest, whatever its tags.
        """)

    @classmethod
    def compute_value(cls, raw_value: Optional[Iterable[str]], address: Address) -> Tuple[str, ...]:
        value = super().compute_value(raw_value, address) or ()
        wrong = [tag for tag in value if not _TAG.fullmatch(tag.replace(REVISION, "x"))]
        if wrong:
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} has {', '.join(map(repr, wrong))}. A tag is letters, digits, "
                f"`_`, `.` and `-`, 128 at most, the last two not first; `{REVISION}` stands for the revision."
            )
        return value


class ImagePlatformsField(StringSequenceField):
    alias = "image_platforms"
    help = help_text("""
        The platforms that the image is for, of {PLATFORMS}: of several, it is an index with an image for each. For
        another platform than this machine's, all third-party distributions must have wheels. Default: that of this
        machine.
        """.format(PLATFORMS=" and ".join(f"`{platform}`" for platform in PLATFORMS)))

    @classmethod
    def compute_value(cls, raw_value: Optional[Iterable[str]], address: Address) -> Optional[Tuple[str, ...]]:
        value = super().compute_value(raw_value, address)
        unknown = [platform for platform in value or () if platform not in PLATFORMS]
        if unknown:
            close = nearest(unknown[0], PLATFORMS)
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} must name platforms of {', '.join(PLATFORMS)}, but names "
                f"{', '.join(unknown)}." + (f" Did you mean `{close}`?" if close else "")
            )
        if value is not None and (not value or len({*value}) < len(value)):
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} must name each platform once, and at least one, but was "
                f"{list(value)!r}."
            )
        return value


class ImageLicensesField(StringField):
    alias = "image_licenses"
    help = "The licences of what the image holds, as an SPDX expression, for its annotations. Example: `Apache-2.0`."
