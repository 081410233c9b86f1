from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from zero_codegen import templates


def test_a_name_that_a_template_does_not_know_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/x.jinja").write_text("{% if a %}\n{{ a | string }}\n{% endif %}\n{{ b }}\n")
    package_file = str(tmp_path / "__init__.py")
    assert templates.render(package_file, "x.jinja", a="1", b=2) == '"1"\n2\n'
    with pytest.raises(jinja2.UndefinedError, match="'b' is undefined"):
        templates.render(package_file, "x.jinja", a="1")
