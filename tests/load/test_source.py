from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chaoskit.errors import UsageError
from chaoskit.load.source import FunctionPlace, LoadSource, fetch, plan_of
from chaoskit.load.user import User
from chaoskit.system import Journey, System, journey
from tests.load import journeys

SHOP = """
from chaoskit.system import System, journey

async def _kept(user, kind, id): ...

@journey(rate=20, timeout=3, verify=_kept)
async def buy(user): ...

async def _browse(user): ...
browse = journey(rate=5, name="look around")(_browse)

class Journeys:
    @journey(rate=1)
    async def nested(user): ...

def _made(number):
    @journey(rate=number, name=f"made {number}")
    async def made(user): ...
    return made

system = System.from_compose("compose.yaml", journeys=[buy, _made(1), _made(2)])
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A module of a user."""
    file = tmp_path / "shop.py"
    file.write_text(SHOP)
    return file


def loaded(file: Path, name: str) -> ModuleType:
    """The module, loaded under a name as pytest's importlib mode or the interpreter would load it."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__spec__ = None if name == "__main__" else spec
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


def place(found: Journey, module: ModuleType, **more: Any) -> FunctionPlace:
    """Where a journey of that module is."""
    return plan_of(found, modules={module.__name__: module}, **more).run


def test_a_module_on_the_import_path_goes_by_its_name() -> None:
    """A module that the other process can import by name is imported by name."""
    plan = plan_of(journeys.order)
    assert plan.run == FunctionPlace("tests.load.journeys", "order")
    assert plan.verify == FunctionPlace("tests.load.journeys", "_still_there")
    assert (plan.name, plan.rate, plan.timeout) == ("order", 30, 2)


def test_a_module_of_no_importable_name_goes_by_its_file(shop: Path) -> None:
    """Test modules and conftest files may have names that lead nowhere, or elsewhere."""
    module = loaded(shop, "tests.nowhere.test_shop")
    assert place(module.buy, module) == FunctionPlace("tests.nowhere.test_shop", "buy", str(shop))
    impostor = loaded(shop, "json")
    assert place(impostor.buy, impostor) == FunctionPlace("json", "buy", str(shop))


def test_a_script_goes_by_its_file(shop: Path) -> None:
    """``python shop.py`` has its journeys in ``__main__``."""
    module = loaded(shop, "__main__")
    assert place(module.buy, module) == FunctionPlace("__main__", "buy", str(shop))


def test_an_interactive_journey_has_no_place() -> None:
    """Journeys of an interactive session are refused, and the error says what to do."""
    module = ModuleType("__main__")
    exec(SHOP.replace("system =", "_ = lambda:"), vars(module))
    with pytest.raises(UsageError, match="no file") as caught:
        place(module.buy, module)
    assert "move the journey into a module" in str(caught.value)


def test_names_that_differ_from_the_functions_are_found(shop: Path) -> None:
    """A journey may have another name than its function, and may be in a class."""
    module = loaded(shop, "shop")
    assert place(module.browse, module).attribute == "_browse"
    assert place(module.Journeys.nested, module).attribute == "Journeys.nested"
    names = vars(module)
    names["buy_again"], names["buy"] = names["buy"], names["browse"]  # the first name was taken over
    assert place(module.buy_again, module).attribute == "buy_again"


def test_a_local_function_has_no_place(shop: Path) -> None:
    """A closure is refused, and the error shows its line and both remedies."""
    module = loaded(shop, "shop")
    with pytest.raises(UsageError, match="not at module level") as caught:
        place(module.system.journeys[1], module)
    assert f"{shop}:" in str(caught.value)
    assert "module:attribute" in str(caught.value)


def test_a_lambda_has_no_place() -> None:
    """A callable without a name cannot be found."""

    @journey(rate=1)
    async def local(user: User) -> None: ...

    with pytest.raises(UsageError, match="move it to module level"):
        plan_of(local)


def test_a_reference_leads_to_any_journey(shop: Path) -> None:
    """With a reference to the system even closures are found, each by its journey's name."""
    module = loaded(shop, "shop")
    found = place(module.system.journeys[2], module, reference="shop:system")
    assert found == FunctionPlace("shop", "system", str(shop), journey="made 2")


@pytest.mark.parametrize("reference", ["shop:systems", "shop:buy", "shop", "shop:", "other:system"])
def test_a_wrong_reference_is_a_mistake(shop: Path, reference: str) -> None:
    """A reference that leads to no system, or to a system without the journey, is an error."""
    module = loaded(shop, "shop")
    with pytest.raises(UsageError, match="cannot find journey 'buy'"):
        place(module.buy, module, reference=reference)


@pytest.mark.parametrize(
    ("attribute", "name"), [("buy", None), ("_browse", None), ("Journeys.nested", None), ("system", "made 2")]
)
def test_the_other_process_finds_it(
    shop: Path, monkeypatch: pytest.MonkeyPatch, attribute: str, name: str | None
) -> None:
    """Each kind of place leads to a function, and the module is loaded once."""
    monkeypatch.delitem(sys.modules, "shop_elsewhere", raising=False)
    found = fetch(FunctionPlace("shop_elsewhere", attribute, str(shop), name), "run")
    assert found.__name__ in (attribute.rpartition(".")[2], "made")
    assert fetch(FunctionPlace("shop_elsewhere", "buy", str(shop)), "verify").__name__ == "_kept"
    assert fetch(FunctionPlace("shop_elsewhere", attribute, str(shop), name), "run") is found
    del sys.modules["shop_elsewhere"]


def test_a_missing_attribute_is_an_error(shop: Path) -> None:
    """A module that declares its journeys only in the first process is an error."""
    with pytest.raises(LookupError, match="shop_again:nothing does not exist"):
        fetch(FunctionPlace("shop_again", "nothing", str(shop)), "run")
    del sys.modules["shop_again"]


def test_a_module_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """The user's error is raised, and no half-imported module stays."""
    file = tmp_path / "broken.py"
    file.write_text("raise RuntimeError('no database')")
    with pytest.raises(RuntimeError, match="no database"):
        fetch(FunctionPlace("broken", "buy", str(file)), "run")
    assert "broken" not in sys.modules


def test_a_source_holds_the_import_path() -> None:
    """The other process has the import path of this one."""
    source = LoadSource.of([journeys.look])
    assert [plan.name for plan in source.plans] == ["look"]
    assert str(Path(journeys.__file__).parents[2]) in source.paths
    assert isinstance(journeys.system, System)
