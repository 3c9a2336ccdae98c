"""A signature holds for one manifest and one key, and the audit looks at it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.finished.audit.audit import audit
from pipelines.finished.signing import sign, verify
from pipelines.staging.store import StagingError, Store
from schemas.failures import FailureError, MisuseError

pytestmark = pytest.mark.skipif(
    not shutil.which("ssh-keygen"), reason="needs ssh-keygen (openssh-client)"
)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(tmp_path / "key")]
    subprocess.run(command, check=True)
    return tmp_path / "key"


@pytest.fixture
def corpus(tmp_path: Path) -> Store:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/manifest.json").write_text("{}")
    return Store(str(tmp_path / "corpus"))


def test_a_signature_holds_until_the_manifest_changes(corpus: Store, key: Path) -> None:
    with pytest.raises(FailureError, match="not signed"):
        verify(corpus)
    assert sign(corpus, key) == "manifest.json.sig"
    assert "ED25519" in verify(corpus)
    corpus.write("manifest.json", b"{ }")
    with pytest.raises(FailureError, match="not one of this manifest"):
        verify(corpus)
    assert any("signature" in finding.message for finding in audit(corpus, lambda _: None).findings)


def test_signers_are_known_by_name(corpus: Store, key: Path, tmp_path: Path) -> None:
    sign(corpus, key)
    signers = tmp_path / "signers"
    signers.write_text(f"ane@example.org {key.with_suffix('.pub').read_text()}")
    assert "ane@example.org" in verify(corpus, signers)
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    signers.write_text(f"ane@example.org {other.with_suffix('.pub').read_text()}")
    with pytest.raises(FailureError, match="does not list"):
        verify(corpus, signers)
    with pytest.raises(MisuseError, match="--signers must be a file"):
        verify(corpus, tmp_path / "nowhere")


def test_what_cannot_be_signed(corpus: Store, key: Path, tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="does not sign"):
        sign(corpus, tmp_path / "nowhere")
    with pytest.raises(StagingError, match="no finished corpus"):
        sign(Store(str(tmp_path / "empty")), key)
