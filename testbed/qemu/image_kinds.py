"""The kinds of images that there are: how each is made and opened, and what a build must have for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_CLUSTER = 64 * 1024
"""Bytes of a cluster of an image unless it is made with another."""

VDI_BLOCK = 1024 * 1024
"""Bytes of what a VDI image allocates at a time."""

DATA_FILE = "data_file"
"""The option of qemu-img create that puts the data of a qcow2 image into another file."""

KEY_OPTION = "key-secret"
"""What the option is called by which whoever makes or opens an encrypted image names the key."""

SECRET: Mapping[str, str] = {"qom-type": "secret", "id": "key", "data": "open sesame"}
"""The key of all encrypted images, as an object of QEMU and of its tools."""

# A key of the usual strength takes seconds to derive. How long it takes, qemu-img measures first by the CPU time of a
# thread, and some builds give up if that is none at all: a slow digest keeps them from being so fast.
_LUKS: Mapping[str, str] = {KEY_OPTION: SECRET["id"], "iter-time": "10", "hash-alg": "sha512"}


@dataclass(frozen=True)
class ImageKind:
    """How an image is made: its format, and options of qemu-img create.

    `opening` are the options that whoever opens such an image needs besides its format, as blockdev-add has them;
    `has_base` tells whether what it holds at first is in another image, on which it stands; `needs` is what not every
    build has of it.
    """

    image_format: str
    options: Mapping[str, str] = field(default_factory=dict)
    opening: Mapping[str, object] = field(default_factory=dict)
    has_base: bool = False
    needs: tuple[str, ...] = ()

    def address(self, file: str) -> str:
        """Return the name by which the tools can open such an image, and by which another one can stand on it."""
        if not self.opening:
            return file
        return f"json:{json.dumps({**self.opening, 'file': {'driver': 'file', 'filename': file}})}"

    @property
    def can_have_base(self) -> bool:
        """Tell whether such an image can stand on another one."""
        return self.image_format in ("qcow2", "qed", "vmdk")

    @property
    def cluster(self) -> int:
        """Return the length in bytes of what such an image allocates at a time."""
        usual = VDI_BLOCK if self.image_format == "vdi" else DEFAULT_CLUSTER
        return int(self.options.get("cluster_size", usual))


KINDS: Mapping[str, ImageKind] = {
    "a raw image": ImageKind(
        "raw",
        needs=("raw",),
    ),
    "a qcow2 image": ImageKind("qcow2"),
    "a qcow2 image of version 2": ImageKind("qcow2", {"compat": "0.10"}),
    "a qcow2 image with extended L2 entries": ImageKind(
        "qcow2",
        {"extended_l2": "on"},
        needs=("extended-l2",),
    ),
    "a qcow2 image on a base": ImageKind("qcow2", has_base=True),
    "a qcow2 image with its data in a file of its own": ImageKind(
        "qcow2",
        {DATA_FILE: ""},
        needs=("data-file",),
    ),
    "a qcow2 image with its data in a raw image": ImageKind(
        "qcow2",
        {DATA_FILE: "", "data_file_raw": "on"},
        needs=("data-file",),
    ),
    "a qcow2 image with preallocated metadata": ImageKind("qcow2", {"preallocation": "metadata"}),
    "a qcow2 image compressed by zstd": ImageKind(
        "qcow2",
        {"compression_type": "zstd"},
        needs=("zstd",),
    ),
    "an encrypted qcow2 image": ImageKind(
        "qcow2",
        {"encrypt.format": "luks", **{f"encrypt.{option}": chosen for option, chosen in _LUKS.items()}},
        {"encrypt": {"format": "luks", KEY_OPTION: SECRET["id"]}},
        needs=("luks",),
    ),
    "a LUKS image": ImageKind(
        "luks",
        _LUKS,
        {KEY_OPTION: SECRET["id"]},
        needs=("luks",),
    ),
    "a QED image": ImageKind(
        "qed",
        needs=("qed",),
    ),
    "a VDI image": ImageKind(
        "vdi",
        needs=("vdi",),
    ),
    "a VMDK image": ImageKind(
        "vmdk",
        needs=("vmdk",),
    ),
    "a stream-optimized VMDK image": ImageKind(
        "vmdk",
        {"subformat": "streamOptimized"},
        needs=("vmdk",),
    ),
}
"""Kinds of images in the words of a sentence, but for the many sizes that clusters can have."""
