"""Tools of a client: what a request may offer and ask for, and what becomes of it where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.channels.http.errors import BadRequest, ToolsNotSupported
from inference.engines.tool_calls import call_schema

MAX_TOOLS: Final = 128
IGNORED_HEADER: Final = "X-Consilium-Ignored"
"""The response's header that names what a request has and the answer was made without."""
ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class ToolModel(BaseModel):
    """Root of what requests say of tools."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, use_attribute_docstrings=True)


class FunctionTool(ToolModel):
    """A function of the client that the model may call."""

    name: ToolName
    description: Annotated[str, Field(max_length=20_000)] | None = None
    parameters: dict[str, Any] | None = None
    """JSON schema of its arguments."""

    def to_openai(self) -> dict[str, Any]:
        """The tool as chat templates read it."""
        function = {
            "name": self.name,
            "description": self.description or "",
            "parameters": self.parameters or {"type": "object", "properties": {}},
        }
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """The tools of a request, and how freely the model may choose."""

    functions: Sequence[FunctionTool] = ()
    choice: Literal["none", "auto", "required"] = "auto"
    only: str | None = None
    """The function that has to be called."""
    is_parallel: bool = True
    """Whether several may be called at once."""

    @property
    def is_forced(self) -> bool:
        """Whether the answer has to be a call."""
        return self.choice == "required" or self.only is not None

    def check(self) -> None:
        """Check that what is chosen is there.

        Raises:
            BadRequest: a call is asked for, and there is no such tool.
        """
        names = {function.name for function in self.functions}
        if self.only is not None and self.only not in names:
            raise BadRequest("tool_choice", f"there is no tool {self.only}")
        if self.is_forced and not names:
            raise BadRequest("tool_choice", "there are no tools")

    def conversation_fields(self) -> dict[str, Any]:
        """The fields of `ClientConversation` that these tools fill."""
        if self.choice == "none" or not self.functions:
            return {}
        tools = [function.to_openai() for function in self.functions]
        return {
            "tools": tools,
            "call_schema": call_schema(tools, self.only) if self.is_forced else None,
            "max_calls": None if self.is_parallel and not self.is_forced else 1,
        }


def drop_unsupported(tools: OfferedTools, *, takes_tools: bool, strict: bool) -> tuple[OfferedTools, list[str]]:
    """The tools that the answer is made with, and the names of what is ignored.

    Agents and front ends offer their tools with every message, whatever the model. A person who writes there gets an
    answer without tools; a program that needs a call hears that there can be none.

    Raises:
        ToolsNotSupported: the base model's template knows no tools, and the answer has to be a call, or nothing may be
            ignored.
    """
    tools.check()
    if takes_tools or not tools.functions or tools.choice == "none":
        return tools, []
    if tools.is_forced or strict:
        raise ToolsNotSupported
    return OfferedTools(), ["tools"]
