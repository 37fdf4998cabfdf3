"""Check the files of a model's folder before they are loaded. Light: it imports no torch."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeVar

from lunacy.errors import ModelError
from lunacy.kinds import HEAD_BYTES, kind_of

Json = TypeVar("Json", dict[str, Any], list[Any])

TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
    "vocab.json",
    "merges.txt",
)
_OTHER_TOKENIZER_FILES = ("*.model", "*.tiktoken", "tekken.json", "bpe.codes")
_BYTE_TOKENIZERS = ("ByT5Tokenizer", "CanineTokenizer", "PerceiverTokenizer")  # they need no vocabulary
_OBJECTS = (
    "config.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)  # what is read of a transformer's folder
_BESIDE_MODULES = ("config_sentence_transformers.json", "sentence_bert_config.json", "1_Pooling")
_CONFIGURED = ("pooling", "dense", "layernorm")  # modules that have a config.json
_NOT_FOR_TEXTS = {
    "ForSequenceClassification": "a classifier or cross-encoder",
    "ForCausalLM": "a generative model",
    "GPT2LMHeadModel": "a generative model",
    "OpenAIGPTLMHeadModel": "a generative model",
}  # XLMWithLMHeadModel and others of that age are encoders
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
_MOST_LAYERS = 10_000
_DOWNLOADED = ("pointer", "web page", "empty")  # what stands in a file's place
_WHOLE = "give a whole sentence-transformers model's folder"
_AGAIN = "download it again"


@dataclass(frozen=True, slots=True)
class Module:
    """A step of a sentence-transformers model, as modules.json names it."""

    kind: str  # in lower case, without its package: "transformer", "pooling", "dense"
    package: str
    folder: Path


def read_modules(folder: Path) -> list[Module]:
    """The modules of a model; a folder without modules.json is one transformer. Raises ModelError."""
    listing = folder / "modules.json"
    if not listing.is_file():
        return [Module("transformer", "sentence_transformers", folder)]
    modules = []
    for entry in read_json(listing, list):
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("path", "type")):
            raise _error(listing, f"lists {str(entry)[:40]}, which is no module with a path and a type; {_AGAIN}")
        package, _, kind = entry["type"].rpartition(".")
        path = PurePath(entry["path"])
        if path.is_absolute() or ".." in path.parts:
            raise _error(listing, f"names {path}, which is outside the model's folder; {_AGAIN}")
        modules.append(Module(kind.lower(), package, folder / path))
    if not modules:
        raise _error(listing, f"lists no module; {_AGAIN}")
    return modules


def read_json(path: Path, kind: type[Json]) -> Json:
    """What a JSON file holds, an object or a list. Raises ModelError for anything else."""
    try:
        raw = path.read_bytes()
        found = json.loads(raw.decode())
    except FileNotFoundError:
        raise _error(path, f"is missing; {_WHOLE}") from None
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise _error(path, _kind(raw) or f"is not JSON ({error}); {_AGAIN}") from None
    if not isinstance(found, kind):
        raise _error(path, f"holds {_KINDS.get(type(found), 'a number')}, and {_KINDS[kind]} is needed; {_AGAIN}")
    return found


def weight_files(folder: Path) -> list[Path]:
    """The files with the weights of all modules (safetensors where there are both). Raises ModelError for none."""
    files: list[Path] = []
    for part in dict.fromkeys(module.folder for module in read_modules(folder)):
        tensors = sorted(part.glob("*.safetensors"))
        files += tensors or sorted(part.glob("pytorch_model*.bin"))
    if not files:
        raise ModelError(f"the model holds no weights (model.safetensors); {_WHOLE}", where=folder)
    return files


def tokenizer_files(folder: Path) -> list[Path]:
    """The tokenizer's files, of all modules."""
    parts = dict.fromkeys(module.folder for module in read_modules(folder))
    return [part / name for part in parts for name in TOKENIZER_FILES if (part / name).is_file()]


def check_files(folder: Path) -> None:
    """Raises ModelError, naming the file, for what is missing, cut off, or something else than a model that embeds."""
    files = weight_files(folder)
    if not (folder / "modules.json").is_file():
        _check_plain(folder)
    if (folder / "config_sentence_transformers.json").is_file():
        _check_settings(folder / "config_sentence_transformers.json")
    for module in read_modules(folder):
        _check_module(folder, module)
    for path in files:
        _check_weights(path)


def _check_plain(folder: Path) -> None:
    """A transformer without modules.json, of which sentence-transformers takes the mean: not of any."""
    if left := [name for name in _BESIDE_MODULES if (folder / name).exists()]:
        raise ModelError(f"modules.json is missing, though {left[0]} is there; {_AGAIN}", where=folder)
    for architecture in read_json(folder / "config.json", dict).get("architectures") or ():
        for ending, what in _NOT_FOR_TEXTS.items():
            if str(architecture).endswith(ending):
                raise ModelError(
                    f"config.json names {architecture}, {what}, and there is no modules.json that makes vectors of it; "
                    "take an embedding model",
                    where=folder,
                )


def _check_settings(path: Path) -> None:
    settings = read_json(path, dict)
    kind = settings.get("model_type", "SentenceTransformer")
    if kind != "SentenceTransformer":
        raise _error(path, f"says that this is a {kind}, which gives no vectors to compare; take a SentenceTransformer")
    prompts = settings.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        raise _error(path, f"has prompts that are no texts; {_AGAIN}")


def _check_module(folder: Path, module: Module) -> None:
    if module.package.partition(".")[0] != "sentence_transformers":
        name = f"{module.package}.{module.kind}"
        raise ModelError(
            f"modules.json asks for code of its own ({name}), which lunacy does not run; take another model",
            where=folder,
        )
    if module.kind == "normalize":
        return  # it holds nothing, so that git and the hub drop its folder
    if not module.folder.is_dir():
        raise ModelError(f"modules.json names {module.folder.name}, which is missing; {_AGAIN}", where=folder)
    if module.kind in _CONFIGURED:
        read_json(module.folder / "config.json", dict)
    if module.kind == "transformer":
        for key, value in read_json(module.folder / "config.json", dict).items():
            if "layer" in key and isinstance(value, int) and value > _MOST_LAYERS:  # making them would never end
                raise _error(module.folder / "config.json", f"asks for {value:,} layers ({key}); {_AGAIN}")
        for name in _OBJECTS:
            if (module.folder / name).exists():
                read_json(module.folder / name, dict)
        _check_tokenizer(module.folder)
        _check_parts(module.folder)


def _check_tokenizer(folder: Path) -> None:
    present = [folder / name for name in TOKENIZER_FILES if (folder / name).exists()]
    for path in present:
        kind = _kind(_head(path))
        if any(word in kind for word in _DOWNLOADED):  # a vocabulary may begin with <s>
            raise _error(path, kind)
    if present or any(path for pattern in _OTHER_TOKENIZER_FILES for path in folder.glob(pattern)):
        return
    settings = folder / "tokenizer_config.json"
    if not settings.exists() or read_json(settings, dict).get("tokenizer_class") not in _BYTE_TOKENIZERS:
        raise ModelError(f"the tokenizer is missing (tokenizer.json, or vocab.txt); {_WHOLE}", where=folder)


def _check_parts(folder: Path) -> None:
    """Weights in several files: an index names them."""
    for listing in sorted(folder.glob("*.index.json")):
        if (folder / listing.name.removesuffix(".index.json")).exists():
            continue  # then nobody reads the index
        places = read_json(listing, dict).get("weight_map")
        names = sorted(set(map(str, places.values()))) if isinstance(places, dict) else []
        if missing := [name for name in names if not (folder / name).is_file()]:
            raise _error(listing, f"names {missing[0]}, which is missing; {_AGAIN}")


def _check_weights(path: Path) -> None:
    """The head and the length of a weight file, not what it holds."""
    head = _head(path)
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="np") as file:
                formats = {file.get_slice(key).get_dtype() for key in file.keys()}  # noqa: SIM118 (it is no dict)
        except (SafetensorError, OSError) as error:
            raise _error(path, _kind(head) or f"is cut off, or no weights at all ({error}); {_AGAIN}") from None
        if quantised := sorted(one for one in formats if one in ("I8", "U8") or one.startswith("F8")):
            raise _error(path, f"holds quantised weights ({quantised[0]}); take the model in float32 or float16")
    elif head.startswith(b"PK"):
        if not zipfile.is_zipfile(path):
            raise _error(path, f"is cut off; {_AGAIN}")
    elif not head.startswith(b"\x80"):  # a pickle, as torch wrote them before 1.6
        raise _error(path, _kind(head) or f"holds no weights; {_AGAIN}")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}") from None


def _kind(head: bytes) -> str:
    """What a file is that is not what its name says; "" where that cannot be told."""
    kind = kind_of(head) if head else "empty"
    return f"is {kind}" + (f"; {_AGAIN}" if ";" not in kind else "") if kind else ""


def _error(path: Path, what: str) -> ModelError:
    folder = path.parent
    if (folder.parent / "modules.json").exists():  # of a module
        folder = folder.parent
    return ModelError(f"{path.relative_to(folder)} {what}", where=folder)
