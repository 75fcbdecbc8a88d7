"""Jupyter's own conformance tests, all of them configured except the deprecated pager's."""

import jupyter_kernel_test as jkt

KERNEL = "abkd"

# An object whose own view is a bundle of one MIME type.
SHOWN = '{{ [Symbol.for("Jupyter.display")]: () => ({{ "{}": "{}" }}) }}'


class TypeScriptKernel(jkt.KernelTests):
    kernel_name = KERNEL
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("to stderr")'
    code_generate_error = 'throw new TypeError("on purpose")'
    code_clear_output = "display.clear()"

    completion_samples = [
        {"text": "Math.ab", "matches": {"abs"}},
        # Types and, if they are late, the value give the same names: "JSON." alone has more at run time.
        {"text": "JSON.str", "matches": {"stringify"}},
        {"text": '"text".toUpp', "matches": {"toUpperCase"}},
        {"text": "[1, 2].flatM", "matches": {"flatMap"}},
        {"text": "const pi: number = Math.P", "matches": {"PI"}},
    ]

    complete_code_samples = [
        "1 + 1",
        "const answer: number = 42",
        "for (const n of [1, 2]) console.log(n)",
        "interface Point { x: number; y: number }",
        "await Promise.resolve(1)",
        'import { join } from "node:path"',
        "enum Colour { Red, Green }",
        "",
        "// only a comment",
    ]
    incomplete_code_samples = [
        "function twice(n: number) {",
        "[1, 2,",
        "`a template",
        "if (true) {",
        "/* a comment",
        "call(1,",
        "1 +",
    ]
    invalid_code_samples = ["1 = = 2", "const const = 1", ")", "let 1x = 2", 'import "x" from']

    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": '"text"', "result": "'text'"},
        {"code": "[1, 2, 3].map((n: number) => n * 2)", "result": "[ 2, 4, 6 ]"},
        {"code": "await Promise.resolve(true)", "result": "true"},
        {"code": "const kept = 1; kept", "result": "1"},
        {"code": f"({SHOWN.format('text/html', '<b>x</b>')})", "mime": "text/html"},
    ]
    code_display_data = [
        {"code": f"display({SHOWN.format('text/markdown', '*x*')})", "mime": "text/markdown"},
        {
            "code": 'import * as tslab from "tslab"; tslab.display.html("<i>x</i>")',
            "mime": "text/html",
        },
        {
            "code": 'import { plot } from "abkd"; display(plot({ data: [{ y: [1] }], layout: {} }))',
            "mime": "application/vnd.plotly.v1+json",
        },
    ]

    supported_history_operations = ("tail", "range", "search")
    code_history_pattern = "*Promise.resolve*"

    code_inspect_sample = "parseFloat"


class TypeScriptKernelWelcome(jkt.IopubWelcomeTests):
    kernel_name = KERNEL
    support_iopub_welcome = True

