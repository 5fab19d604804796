"""Options that several commands share, and what becomes of them.

Knows argparse, the engine's settings and the judge's. Knows nothing of any one benchmark.
"""

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import StreamSettings
from engine.precision import PRECISIONS
from training.evaluate.errors import EvaluationError
from training.evaluate.judge.courier import ApiSettings, Courier
from training.evaluate.judge.forms import FORMS, JudgeForm, with_template
from training.evaluate.provenance import weights_fingerprint
from training.evaluate.shards import Shard

if TYPE_CHECKING:
    from engine import LoadedModel

RANDOM = "random:"
"""Before a size: a model of that size with random weights, made in memory."""


def add_run_options(cli: argparse.ArgumentParser) -> None:
    """Model, windows, sampling and the output folder."""
    cli.add_argument(
        "--model",
        required=True,
        metavar="DIR|HUB_ID",
        help="the checkpoint to evaluate; random:7b for one of that size with random weights, to time a run",
    )
    cli.add_argument(
        "--precision", choices=sorted(PRECISIONS), help="how weights are kept (as the device has them)"
    )
    cli.add_argument("--name", help="how it is called in results (its folder's name)")
    cli.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="results; the same folder goes on where it was",
    )
    cli.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:0")
    cli.add_argument("--seed", type=int, default=0)
    stream = cli.add_argument_group("stream (default: what the checkpoint was trained for, else the paper's)")
    stream.add_argument("--fps", type=float, help="frames a second")
    stream.add_argument("--chunk-s", type=float, help="seconds a step")
    stream.add_argument("--vision-window-s", type=float, help="seconds of pictures that stay")
    stream.add_argument("--text-rounds", type=int, help="rounds of commentary that stay as turns")
    stream.add_argument("--text-sink", type=int, help='first tokens of "previous text" that stay')
    stream.add_argument("--text-window", type=int, help='last tokens of "previous text" that stay')
    stream.add_argument("--max-new-tokens", type=int, help="most tokens a step")
    stream.add_argument("--temperature", type=float)
    stream.add_argument("--top-p", type=float)
    stream.add_argument("--repetition-penalty", type=float)
    stream.add_argument("--greedy", action="store_true", default=None, help="no sampling")
    stream.add_argument("--min-pixels", type=int, help="fewest pixels of a frame")
    stream.add_argument("--max-pixels", type=int, help="most pixels of a frame")
    stream.add_argument("--query", help="what the model is asked to do")


def stream_settings(args: argparse.Namespace) -> StreamSettings:
    """The checkpoint's settings with what was asked otherwise. Raises SettingsError, SettingsFileError."""
    settings = StreamSettings.from_checkpoint(args.model)

    def changed(part: Any) -> Any:
        asked = {field.name: getattr(args, field.name, None) for field in dataclasses.fields(part)}
        return dataclasses.replace(
            part,
            **{name: value for name, value in asked.items() if value is not None and name != "seed"},
        )

    return dataclasses.replace(
        settings,
        window=changed(settings.window),
        sampling=changed(settings.sampling),
        resize=changed(settings.resize),
        title="",
        query=settings.query if args.query is None else args.query,
    )


def model_loader(args: argparse.Namespace, shard: Shard) -> Callable[[], "LoadedModel"]:
    """Loads the model when it is first needed: a run that is complete needs none."""
    loaded: list[LoadedModel] = []

    def load() -> "LoadedModel":
        if not loaded:
            from engine import load_model, share_cores

            share_cores()
            device = shard.device(args.device)
            if args.model.startswith(RANDOM):
                from engine.bench.models import random_model

                size = args.model.removeprefix(RANDOM)
                loaded.append(random_model(size, device=device, precision=args.precision, seed=args.seed))
            else:
                loaded.append(load_model(args.model, device=device, precision=args.precision))
        return loaded[0]

    return load


def weights_of(args: argparse.Namespace) -> str:
    """What a result is tied to: the checkpoint's fingerprint, or how its weights were drawn, and their precision."""
    drawn = f"{args.model} seed {args.seed}" if args.model.startswith(RANDOM) else ""
    weights = drawn or weights_fingerprint(args.model)
    return f"{weights} {args.precision}" if args.precision else weights


def model_name(args: argparse.Namespace) -> str:
    """How the model is called in results."""
    return str(args.name or Path(args.model).name or args.model)


def add_api_options(cli: argparse.ArgumentParser, *, with_opponent: bool = False) -> None:
    """Where the judge's API is; and the opponent's, where there can be one."""
    api = cli.add_argument_group("API (any OpenAI-compatible address)")
    api.add_argument("--api-url", default="https://api.openai.com/v1", help="base address")
    api.add_argument(
        "--api-key-variable",
        default="OPENAI_API_KEY",
        metavar="NAME",
        help="environment variable with the key",
    )
    api.add_argument(
        "--api-cache", type=Path, metavar="DIR", help="answers already paid for (OUT/api_answers)"
    )
    api.add_argument("--api-parallel", type=int, default=8, help="requests at the same time")
    api.add_argument("--api-timeout-s", type=float, default=300.0)
    api.add_argument(
        "--api-tries", type=int, default=10, help="tries of a request while the API is down or busy"
    )
    api.add_argument(
        "--api-first-wait-s", type=float, default=1.0, help="wait before the second try; it doubles"
    )
    api.add_argument(
        "--ask-again",
        action="store_true",
        help="ask once more where all stored answers are empty or can't be read",
    )
    api.add_argument("--price-in", type=float, help="price of a million tokens sent")
    api.add_argument("--price-out", type=float, help="price of a million tokens answered")
    if not with_opponent:
        return
    api = cli.add_argument_group("the opponent's API (default: the judge's)")
    api.add_argument("--opponent-url", help="base address")
    api.add_argument("--opponent-key-variable", metavar="NAME", help="environment variable with the key")
    api.add_argument(
        "--opponent-body", type=_json_object, default={}, metavar="JSON", help="added to the request"
    )
    api.add_argument("--opponent-price-in", type=float, help="price of a million tokens sent")
    api.add_argument("--opponent-price-out", type=float, help="price of a million tokens answered")


def courier(args: argparse.Namespace, *, to_opponent: bool = False) -> Courier:
    """The courier to the judge's API, or to the opponent's. Raises EvaluationError."""
    url, key_variable = args.api_url, args.api_key_variable
    if to_opponent:
        url, key_variable = args.opponent_url or url, args.opponent_key_variable or key_variable
    return Courier(
        ApiSettings(
            url=url,
            cache=str(args.api_cache or args.out / "api_answers"),
            key_variable=key_variable,
            asks_again=args.ask_again,
            num_parallel=args.api_parallel,
            timeout_s=args.api_timeout_s,
            num_tries=args.api_tries,
            first_wait_s=args.api_first_wait_s,
        )
    )


def prices(args: argparse.Namespace, *, of_opponent: bool = False) -> tuple[float | None, float | None]:
    """What a million tokens cost, sent and answered; None where that was not told."""
    if not of_opponent:
        return args.price_in, args.price_out
    return (
        args.price_in if args.opponent_price_in is None else args.opponent_price_in,
        args.price_out if args.opponent_price_out is None else args.opponent_price_out,
    )


def add_judge_options(cli: argparse.ArgumentParser, *, form: str, required: bool) -> None:
    """Who judges, and what they are asked."""
    judge = cli.add_argument_group("judge")
    judge.add_argument("--judge-model", required=required, metavar="NAME", help="the judge's model name")
    judge.add_argument(
        "--judge-form", choices=sorted(FORMS), default=form, help=f"criteria and form of answers ({form})"
    )
    judge.add_argument(
        "--judge-template", type=Path, metavar="FILE", help="another wording (see judge/forms.py)"
    )
    judge.add_argument(
        "--judge-body",
        type=_json_object,
        default={},
        metavar="JSON",
        help='added to the request, such as {"temperature": null}; null removes',
    )


def judge_form(args: argparse.Namespace) -> JudgeForm:
    """What the judge is asked. Raises DataFileError."""
    form = FORMS[args.judge_form]
    return form if args.judge_template is None else with_template(form, args.judge_template)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"this is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("this is not a JSON object")
    return value


def positive(text: str) -> int:
    """A whole number above 0, for argparse."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("this must be at least 1")
    return number


def existing_folder(path: Path, what: str) -> Path:
    """A folder that has to be there. Raises EvaluationError."""
    if not path.is_dir():
        raise EvaluationError(f"There is no folder {path} with {what}.")
    return path
