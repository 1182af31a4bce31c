"""Compile templates for one language: its texts, and what follows from them alone, become constants.

A page is what plain Jinja makes of its templates, byte for byte; the work is done once, when they are compiled.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from keyword import iskeyword
from types import CodeType
from typing import Any, ClassVar

from babel.support import NullTranslations
from jinja2 import Environment, Template, meta, nodes
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.compiler import CodeGenerator, Frame, find_undeclared, has_safe_repr
from jinja2.environment import TemplateModule
from jinja2.filters import FILTERS
from jinja2.idtracking import VAR_LOAD_RESOLVE
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer
from markupsafe import (  # type: ignore[attr-defined]  # what escape() calls has no public name
    Markup,
    _escape_inner,
)

PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
GETTEXT, NGETTEXT = ("_", "gettext"), "ngettext"
CONSTANT_FILTERS = FILTERS.keys() - {"random"}
LAYOUTS = "layouts/"
CALL_PARAMETERS = ("caller", "varargs", "kwargs")  # Jinja passes them to a macro that reads them


@dataclass(frozen=True, slots=True)
class MacroSignature:
    """What is known of a macro before it is called. `is_constant`: its result depends on its arguments alone."""

    parameters: tuple[str, ...]
    has_call_parameters: bool
    is_constant: bool

    def arguments(self, call: nodes.Call) -> list[nodes.Expr | None] | None:
        """The arguments by position, None for a default; None if only Jinja's own call can pass them."""
        by_name: dict[str, nodes.Expr] = {keyword.key: keyword.value for keyword in call.kwargs}
        rest = self.parameters[len(call.args) :]
        if self.has_call_parameters or call.dyn_args or call.dyn_kwargs or len(call.args) > len(self.parameters):
            return None
        return [*call.args, *map(by_name.get, rest)] if by_name.keys() <= set(rest) else None


def escaped(value: object) -> str:
    """As markupsafe.escape, for text that is written at once and needs no type of its own."""
    if type(value) is str:
        text: str = _escape_inner(value)
    else:
        text = value.__html__() if hasattr(value, "__html__") else _escape_inner(str(value))
    return text


class LanguageTemplate(Template):
    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        """Skip the comparison of globals at every import: all templates have the same, those of the environment."""
        return super()._get_default_module()


class LanguageEnvironment(Environment):
    """Templates in the language of `catalogue`.

    `constants`: functions that return the same for the same arguments as long as `version` returns the same.
    """

    template_class = LanguageTemplate

    def __init__(
        self,
        catalogue: NullTranslations,
        constants: Mapping[str, Callable[..., object]],
        version: Callable[[], Hashable],
        **options: Any,
    ) -> None:
        shared = _SharedCode((catalogue, options["autoescape"]), version)
        super().__init__(cache_size=-1, bytecode_cache=shared, **options)
        self.code_generator_class = _CodeGenerator
        self.catalogue, self.constants = catalogue, constants
        self.globals.update(constants)
        self._version = version
        self._signatures: dict[tuple[str, Hashable], dict[str, MacroSignature]] = {}

    def signatures(self, template: str) -> dict[str, MacroSignature]:
        """The macros of a template by name."""
        key = template, self._version()
        if key not in self._signatures:
            self._signatures[key] = {}  # for templates that import each other
            self._signatures[key] = _Names(self, self.parsed(template)).signatures()
        return self._signatures[key]

    def parsed(self, template: str) -> nodes.Template:
        assert self.loader is not None
        source, filename, _ = self.loader.get_source(self, template)
        return self.parse(source, template, filename)


class _SharedCode(BytecodeCache):
    """The code of compiled templates, for all applications of this process: tests make many."""

    _codes: ClassVar[dict[Hashable, tuple[Hashable, CodeType]]] = {}

    def __init__(self, variant: Hashable, version: Callable[[], Hashable]) -> None:
        self._variant, self._version = variant, version

    def load_bytecode(self, bucket: Bucket) -> None:
        version, code = self._codes.get((self._variant, bucket.key), (None, None))
        if version == (self._version(), bucket.checksum):
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._codes[self._variant, bucket.key] = (self._version(), bucket.checksum), bucket.code


class _Names:
    """What the names of a template stand for."""

    def __init__(self, environment: LanguageEnvironment, tree: nodes.Template) -> None:
        self._environment = environment
        self.imports: dict[str, tuple[str, str]] = {}  # as the template calls a macro: its template, its name there
        self.assigned: Counter[str] = Counter()
        self._macros: list[nodes.Macro] = []
        for node in tree.find_all((nodes.Name, nodes.Macro, nodes.Import, nodes.FromImport)):
            self._add(node)

    def signature(self, name: str) -> MacroSignature | None:
        """The macro that `name` is everywhere in the template, if it is one."""
        if name in self.assigned or name not in self.imports:
            return None
        template, original = self.imports[name]
        return self._environment.signatures(template).get(original)

    def signatures(self, *, own: bool = False) -> dict[str, MacroSignature]:
        """The macros that the template defines, each once; `own`: for its own calls, before it is compiled."""
        known: dict[str, MacroSignature] = {}
        for macro in self._macros:  # one that calls a later one is not taken for constant
            if self.assigned[macro.name] == 1:
                parameters = tuple(parameter.name for parameter in macro.args)
                special = any(node.name in CALL_PARAMETERS for node in macro.find_all(nodes.Name))
                known[macro.name] = MacroSignature(parameters, special, not own and self._is_constant(macro, known))
        return known

    def _add(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Name) and node.ctx != "load":
            self.assigned[node.name] += 1
        elif isinstance(node, nodes.Macro):
            self.assigned[node.name] += 1
            self._macros.append(node)
        elif isinstance(node, nodes.Import):
            self.assigned[node.target] += 1
        elif isinstance(node, nodes.FromImport):
            self._add_imports(node)

    def _add_imports(self, node: nodes.FromImport) -> None:
        for name in node.names:
            original, alias = name if isinstance(name, tuple) else (name, name)
            origin = (node.template.value, original) if isinstance(node.template, nodes.Const) else None
            if origin is None or node.with_context or self.imports.setdefault(alias, origin) != origin:
                self.assigned[alias] += 1

    def _is_constant(self, macro: nodes.Macro, known: Mapping[str, MacroSignature]) -> bool:
        filters = {node.name for node in macro.find_all(nodes.Filter)}
        if filters - CONSTANT_FILTERS or any(
            macro.find(kind) for kind in (nodes.Include, nodes.Import, nodes.FromImport)
        ):
            return False
        tree = nodes.Template([macro], lineno=macro.lineno, environment=self._environment)
        return all(
            name in self._environment.constants
            or name in (*GETTEXT, NGETTEXT)
            or ((signature := known.get(name) or self.signature(name)) and signature.is_constant)
            for name in _FreeNames.of(self._environment, tree)
        )


class _FreeNames(meta.TrackingCodeGenerator):
    """Find the names that a template reads from its context, those of globals among them."""

    @classmethod
    def of(cls, environment: LanguageEnvironment, tree: nodes.Template) -> set[str]:
        generator = cls(environment)
        generator.visit(tree)
        return generator.undeclared_identifiers

    def enter_frame(self, frame: Frame) -> None:
        CodeGenerator.enter_frame(self, frame)
        loads = frame.symbols.loads.values()
        self.undeclared_identifiers.update(name for action, name in loads if action == VAR_LOAD_RESOLVE and name)


class _Folder(NodeTransformer):
    """Replace what is constant in a language by its value, and find the calls of known macros."""

    def __init__(self, environment: LanguageEnvironment, name: str | None, tree: nodes.Template) -> None:
        self._environment, self._names = environment, _Names(environment, tree)
        self._context = nodes.EvalContext(environment, name)
        self._own_macros = self._names.signatures(own=True)
        self._block_calls: set[nodes.Call] = set()  # which depend on the block that they get
        self.direct_calls: dict[nodes.Call, list[nodes.Expr | None]] = {}

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        node = super().generic_visit(node, *args, **kwargs)
        for field in ("body", "else_"):
            if isinstance(body := getattr(node, field, None), list):
                setattr(node, field, _join_outputs(body))
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Output:
        """Write the parts of a text one after the other, instead of joining them first."""
        self.generic_visit(node)
        node.nodes = [part for child in node.nodes for part in _parts(child)]
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.CallBlock:
        self._block_calls.add(node.call)
        self.generic_visit(node)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node in self._block_calls:
            return node
        name = node.node.name
        if name not in self._names.assigned:
            if name in GETTEXT:
                return self._gettext(node)
            if name == NGETTEXT:
                return self._ngettext(node)
            if name in self._environment.constants:
                return self._constant(node, self._environment.constants[name])
            signature = self._names.signature(name)
            if signature and signature.is_constant:
                template, original = self._names.imports[name]
                constant = self._constant(node, lambda *args, **kwargs: self._call(template, original, args, kwargs))
                if constant is not node:
                    return constant
        signature = self._own_macros.get(name) or self._names.signature(name)
        if signature and (arguments := signature.arguments(node)) is not None:
            self.direct_calls[node] = arguments
        return node

    def _call(self, template: str, macro: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        return getattr(self._environment.get_template(template).module, macro)(*args, **kwargs)

    def _constant(self, node: nodes.Call, function: Callable[..., object]) -> nodes.Expr:
        """The result of the call as a constant, if all arguments are constants; else the call."""
        if node.dyn_args or node.dyn_kwargs:
            return node
        try:
            args = [argument.as_const(self._context) for argument in node.args]
            kwargs = dict(argument.as_const(self._context) for argument in node.kwargs)
        except nodes.Impossible:
            return node
        result = function(*args, **kwargs)
        return nodes.Const(result, lineno=node.lineno) if has_safe_repr(result) else node

    def _gettext(self, node: nodes.Call) -> nodes.Expr:
        texts, values = _texts(node, 1), _values(node)
        if texts is None or values is None:
            return node
        translated = self._environment.catalogue.ugettext(*texts)
        if not values:
            text = Markup(translated) % {} if self._context.autoescape else translated % {}
            return nodes.Const(text, lineno=node.lineno)
        return _filled_in(translated, values, node) or node

    def _ngettext(self, node: nodes.Call) -> nodes.Expr:
        """English has two forms; other languages choose theirs when the page is rendered."""
        texts, values = _texts(node, 2), _values(node)
        if texts is None or values is None or len(node.args) != 3 or not _is_plain(node.args[2]):
            return node
        if type(self._environment.catalogue) is not NullTranslations:
            return node
        number = node.args[2]
        singular, plural = (_filled_in(text, {"num": number, **values}, node) for text in texts)
        if singular is None or plural is None:
            return node
        is_one = nodes.Compare(number, [nodes.Operand("eq", nodes.Const(1))], lineno=node.lineno)
        return nodes.CondExpr(is_one, singular, plural, lineno=node.lineno)


def _texts(call: nodes.Call, count: int) -> list[str] | None:
    """The texts to be translated, if they are literals, as they are everywhere."""
    texts = [argument.value for argument in call.args[:count] if isinstance(argument, nodes.Const)]
    return texts if len(texts) == count else None


def _values(call: nodes.Call) -> dict[str, nodes.Expr] | None:
    if call.dyn_args or call.dyn_kwargs:
        return None
    return {keyword.key: keyword.value for keyword in call.kwargs}


def _filled_in(text: str, values: Mapping[str, nodes.Expr], call: nodes.Call) -> nodes.Concat | None:
    """`text` % `values` as its parts, which are joined as Markup; None where that is not the same."""
    counts = Counter(match[1] for match in PLACEHOLDER.finditer(text) if match[1])
    if counts.keys() - values.keys() or "%" in PLACEHOLDER.sub("", text):
        return None
    if any(counts[name] != 1 and not _is_plain(value) for name, value in values.items()):
        return None
    parts: list[nodes.Expr] = [nodes.TemplateData("", lineno=call.lineno)]
    end = 0
    for match in PLACEHOLDER.finditer(text):
        parts.append(nodes.TemplateData(text[end : match.start()] + ("" if match[1] else "%"), lineno=call.lineno))
        if match[1]:
            parts.append(values[match[1]])
        end = match.end()
    parts.append(nodes.TemplateData(text[end:], lineno=call.lineno))
    return nodes.Concat(parts, lineno=call.lineno)


def _is_plain(value: nodes.Expr) -> bool:
    """Whether it makes no difference how often, and whether, the value is computed."""
    return not isinstance(value, nodes.Call) and value.find(nodes.Call) is None


def _parts(node: nodes.Expr) -> list[nodes.Expr]:
    return [part for child in node.nodes for part in _parts(child)] if isinstance(node, nodes.Concat) else [node]


def _is_simple(call: nodes.Call) -> bool:
    """Whether its arguments can be written as they are in Python."""
    return not call.dyn_args and not call.dyn_kwargs and not any(iskeyword(keyword.key) for keyword in call.kwargs)


def _join_outputs(body: list[nodes.Node]) -> list[nodes.Node]:
    """Write what follows each other in one statement, so that constants become one."""
    joined: list[nodes.Node] = []
    for node in body:
        if isinstance(node, nodes.Output) and joined and isinstance(joined[-1], nodes.Output):
            joined[-1].nodes += node.nodes
        else:
            joined.append(node)
    return joined


class _Includes(NodeTransformer):
    """Put what is included in a loop or a layout in its place, so that no context is made for each turn or page.

    Elsewhere a traceback that names the included template and its line is worth more.
    """

    def __init__(self, environment: LanguageEnvironment, name: str | None) -> None:
        self._environment = environment
        self._names = [name]
        self._depth = int(name is not None and name.startswith(LAYOUTS))  # of loops, and of a layout

    def visit_For(self, node: nodes.For) -> nodes.For:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        return node

    def visit_Include(self, node: nodes.Include) -> nodes.Node:
        name = node.template.value if isinstance(node.template, nodes.Const) else None
        if not self._depth or not isinstance(name, str) or name in self._names or not node.with_context:
            return node
        included = self._environment.parsed(name)
        if node.ignore_missing or included.find(nodes.Extends) or included.find(nodes.Block):
            return node
        if find_undeclared(included.body, ("loop",)):  # which an included template does not see
            return node
        self._names.append(name)
        self.generic_visit(included)
        self._names.pop()
        return nodes.Scope(included.body).set_lineno(node.lineno, override=True)


class _CodeGenerator(CodeGenerator):
    """Call a known macro's function without `Context.call` and `Macro.__call__`, which take longer than most macros."""

    environment: LanguageEnvironment

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        _Includes(self.environment, self.name).visit(node)
        folder = _Folder(self.environment, self.name, node)
        folder.visit(node)
        self._direct_calls = folder.direct_calls
        self._output: nodes.Call | None = None
        self._markups: dict[str, str] = {}
        super().visit_Template(node, frame)
        self.writeline(f"from {__name__} import escaped")
        for text, name in self._markups.items():
            self.writeline(f"{name} = Markup({text!r})")

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:
        self._write_constant(node.as_const(frame.eval_ctx))

    def visit_TemplateData(self, node: nodes.TemplateData, frame: Frame) -> None:
        self._write_constant(node.as_const(frame.eval_ctx))

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        if node in self._direct_calls and not forward_caller:
            self.write("Markup(" if frame.eval_ctx.autoescape and node is not self._output else "(")
            self.visit(node.node, frame)
            self.write("._func")
            self._arguments(self._direct_calls[node], frame)
            self.write(")")
        elif isinstance(node.node, nodes.Getattr) and not forward_caller and _is_simple(node):
            self.visit(node.node, frame)
            self._arguments([*node.args, *node.kwargs], frame)
        else:
            super().visit_Call(node, frame, forward_caller=forward_caller)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if isinstance(node, nodes.Call) and node in self._direct_calls:
            self._output = node  # a macro escapes its own output
            self.write("(")
        else:
            self.write("escaped(" if frame.eval_ctx.autoescape else "str(")

    def _write_constant(self, value: object) -> None:
        """Make each Markup once, not at each rendering."""
        if isinstance(value, Markup):
            self.write(self._markups.setdefault(str(value), f"markup_{len(self._markups)}"))
        else:
            self.write(repr(value))

    def _arguments(self, arguments: Sequence[nodes.Node | None], frame: Frame) -> None:
        for separator, argument in zip(chain("(", repeat(", ")), arguments, strict=False):
            self.write(separator)
            if argument is None:
                self.write("missing")
            else:
                self.visit(argument, frame)
        self.write(")" if arguments else "()")
