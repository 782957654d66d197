"""Pages of a stranger's report in a bundle: nothing runs in it, and nothing is loaded from elsewhere."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser

import pytest
from fuzz.conftest import Spoilt, some
from fuzz.watching import run
from PIL import Image

from reportgen.cli import main
from reportgen.site.links import css_addresses

# Each would run `alert` or load from e.invalid in a browser that took it up.
MARKUP = (
    "<script>alert(1)</script>", "<<!-- -->script>alert(1)</script>", "<<?x?>script>alert(1)<<!-- -->/script>",
    "<scr<!-- -->ipt>alert(1)</script>", "<script src=//e.invalid/x", "<<script>script>alert(1)</script>",
    "<script/>alert(1)</script>", "<SCRIPT\n>alert(1)</sCript >", "<img src=x onerror=alert(1)>",
    "<img src='assets/x.webp' srcset='https://e.invalid/x.webp'>", "<svg/onload=alert(1)>", "<p a\x0bonclick=alert(1)>",
    "<p \"onclick=alert(1)>", "<p =x/onclick=alert(1)>", "<p onclick\n=\nalert(1)>", "<p ONCLICK=alert(1)>",
    "<svg><script>alert(1)</script></svg>", "<svg><use href='https://e.invalid/x.svg#a'/></svg>",
    "<svg><use xlink:href='https://e.invalid/x.svg#a'/></svg>", "<svg><a href='javascript:alert(1)'>x</a></svg>",
    "<svg><rect fill='url(https://e.invalid/x)'/></svg>", "<svg><rect filter='u\\72l(https://e.invalid/x)'/></svg>",
    "<svg><rect mask='url(\"//e.invalid/x\")'/></svg>", "<svg><set attributeName=href to=javascript:alert(1)></svg>",
    "<svg><rect cursor='image-set(\"https://e.invalid/x\" 1x)'/></svg>", "<a href='java\nscript:alert(1)'>x</a>",
    "<a href=' javascript:alert(1)'>x</a>", "<a href='JaVaScRiPt:alert(1)'>x</a>", "<a href='data:text/html,x'>x</a>",
    "<a href='vbscript:x'>x</a>", "<a href='blob:https://e.invalid/x'>x</a>", "<a href='\x01javascript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>", "<noembed><script>alert(1)</script></noembed>",
    "<noscript><p title='</noscript><script>alert(1)</script>'></noscript>",
    "<math><mtext><script>alert(1)</script></math>",
    "<math href='javascript:alert(1)'>x</math>", "<textarea><script>alert(1)</script></textarea>",
    "<title><img src=x onerror=alert(1)></title>", "<style>@import 'https://e.invalid/x'</style>",
    "<p style='background:url(https://e.invalid/x)'>", "<table background='https://e.invalid/x'></table>",
    "<link rel=stylesheet href='https://e.invalid/x'>", "<meta http-equiv=refresh content='0;url=https://e.invalid'>",
    "<base href='https://e.invalid/'>", "<form action='https://e.invalid'><button>x</button></form>",
    "<button formaction='javascript:alert(1)'>x</button>", "<input type=image src='https://e.invalid/x'>",
    "<object data='https://e.invalid/x'></object>", "<embed src='https://e.invalid/x'>",
    "<video poster='//e.invalid/x'>",
    "<audio src='//e.invalid/x'></audio>", "<template><script>alert(1)</script></template>", "<body onload=alert(1)>",
    "<xmp><script>alert(1)</script></xmp>", "<plaintext><script>alert(1)</script>", "<!--><script>alert(1)</script>-->",
    "<!--!><script>alert(1)</script>", "<![CDATA[<script>alert(1)</script>]]>", "<?xml <script>alert(1)</script>?>",
    "</main></article><script>alert(1)</script>", "&lt;script&gt;<b\x00><script\x00>alert(1)</script>",
    "<a<script>alert(1)</script>", "<details ontoggle=alert(1) open>", "<p onclick\xa0=alert(1)>",
    "<p on\u212aeydown=alert(1)>",
    "<portal src='https://e.invalid'></portal>", "<svg><foreignObject><script>alert(1)</script></foreignObject></svg>",
)  # fmt: skip


class Found(HTMLParser):
    """What a bundle has that would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "base", "form", "link", "noembed", "noscript", "math"):
            self.bad += [tag] if tag != "link" or "data:" not in str(attrs) else []
        for name, value in attrs:
            clicked = tag in ("a", "area") and name == "href"
            address = str(value).strip().lower()
            outside = "e.invalid" in address and not clicked
            if name.startswith("on") or outside or (clicked and not address.startswith(("#", "http", "mailto:"))):
                self.bad.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("markup", some(MARKUP, 6))
@pytest.mark.parametrize("before", ["<main", pytest.param("</main>", marks=pytest.mark.slow)])
def test_nothing_runs_or_loads_in_a_bundle(markup: str, before: str, spoilt: Spoilt) -> None:
    page = spoilt.folder / "index.html"
    text = page.read_text(encoding="utf-8")
    if before == "</main>":
        text = text.replace("</main>", f"{markup}</main>", 1)
    else:
        text = re.sub(r"(<main[^>]*>)", lambda match: match[0] + markup, text, count=1)
    page.write_text(text, encoding="utf-8")
    out = spoilt.folder.parent / "one.html"
    status = main(["bundle", str(spoilt.folder), "-o", str(out)])
    assert status in (0, 1)
    if status == 1:
        assert not out.exists()
        return
    bundle = out.read_text(encoding="utf-8")
    # As browsers begin a tag: where the letters stand, whatever they are taken for by another parser.
    assert not re.search(r"<\s*(script|iframe|object|embed|base|noembed|foreignobject\s*>)", bundle, re.IGNORECASE)
    found = Found()
    found.feed(bundle)
    assert found.bad == []


@pytest.mark.parametrize("piece", some(["<!--", "<a b='", "</", "<![", "<?", "<script></", "<!x", "&#", "<a "], 2))
@pytest.mark.parametrize("command", ["bundle", "verify"])
def test_markup_that_does_not_end_takes_no_square_of_time(
    piece: str, command: str, spoilt: Spoilt, capsys: pytest.CaptureFixture[str]
) -> None:
    page = spoilt.folder / "index.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("</main>", piece * 200_000, 1), encoding="utf-8")
    out = ["-o", str(spoilt.folder.parent / "one.html")] if command == "bundle" else []
    status, said = run([command, str(spoilt.folder), *out], capsys, piece)
    assert status in ((0, 1) if command == "bundle" else (3,)), said


@pytest.mark.parametrize(
    "text", ["url(" + " " * 300_000, "@import" + " " * 300_000, "url('" * 100_000, "url(a " * 100_000]
)
def test_style_that_does_not_end_takes_no_square_of_time(text: str) -> None:
    start = time.monotonic()
    css_addresses(text)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("path", some(["x/y.webp", "assets/a.webp", "a-b/c.webp", "d.webp"], 4))
def test_pictures_under_any_plain_name_are_made_smaller(
    path: str, spoilt: Spoilt, capsys: pytest.CaptureFixture[str]
) -> None:
    file = spoilt.folder / "report.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    earlier = record["figures"][0]["picture"]
    (spoilt.folder / path).parent.mkdir(exist_ok=True)
    Image.effect_noise((200, 200), 90).convert("RGB").save(spoilt.folder / path, quality=95)
    file.write_text(file.read_text(encoding="utf-8").replace(json.dumps(earlier), json.dumps(path)), encoding="utf-8")
    out = str(spoilt.folder.parent / "one.html")
    status, said = run(["bundle", str(spoilt.folder), "-o", out, "--max-size", "190kB"], capsys, path)
    assert status in (0, 3), said
