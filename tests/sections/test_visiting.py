"""How often a photograph is decoded and a network traced for a whole report without ascents."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support.images import write_images
from support.networks import two_convolutions

import reportgen
from reportgen.analysis.network import watching
from reportgen.images import decoding


def test_an_image_is_decoded_twice_and_the_network_traced_once_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_images(tmp_path / "photographs", 7)
    decoded: Counter[str] = Counter()
    traces: list[int] = []
    decode = decoding._decode

    def counted(name: str, *given: object) -> object:
        decoded[name] += 1
        return decode(name, *given)

    class CountingWatch(watching._Watch):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)
            if self.graph is not None:
                traces.append(1)

    monkeypatch.setattr(decoding, "_decode", counted)
    monkeypatch.setattr(watching, "_Watch", CountingWatch)
    truth = tmp_path / "truth.csv"
    truth.write_text("file,label\n" + "".join(f"{file.name},class {n % 2}\n" for n, file in enumerate(files)))
    reportgen.build(
        two_convolutions(),
        tmp_path / "photographs",
        tmp_path / "report",
        preprocess="unit",
        truth=str(truth),
        no_cache=True,
        sections="overview,layers,filters,feature-maps,features,predictions,units",
    )
    assert set(decoded) == {file.name for file in files}
    # When it is found, where its pixels are kept for its pages, and when it is measured.
    assert max(decoded.values()) <= 2, decoded
    # How it is fed, its layers, its answers, the pass, the pages, and two checks.
    assert len(traces) <= 7
