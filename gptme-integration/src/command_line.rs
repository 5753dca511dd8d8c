//! Recognizes command lines that run gptme.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Options of `uvx`, `uv tool run` and `uv run` that take the next word as their value.
const UV_OPTIONS_WITH_VALUE: [&str; 37] = [
    "--from",
    "--with",
    "-w",
    "--with-editable",
    "--with-requirements",
    "--python",
    "-p",
    "--index",
    "--default-index",
    "--index-url",
    "-i",
    "--extra-index-url",
    "--find-links",
    "-f",
    "--directory",
    "--project",
    "--env-file",
    "--extra",
    "--group",
    "--package",
    "--cache-dir",
    "--config-file",
    "--constraints",
    "--constraint",
    "-c",
    "--overrides",
    "--override",
    "--build-constraints",
    "-b",
    "--exclude-newer",
    "--upgrade-package",
    "-P",
    "--prerelease",
    "--resolution",
    "--link-mode",
    "--index-strategy",
    "--python-platform",
];
/// Options of `pipx run` that take the next word as their value.
const PIPX_OPTIONS_WITH_VALUE: [&str; 7] =
    ["--spec", "--python", "--index-url", "-i", "--pip-args", "--with", "--fetch-python"];
/// Options of `env` that take the next word as their value.
const ENV_OPTIONS_WITH_VALUE: [&str; 6] = ["-u", "--unset", "-C", "--chdir", "-a", "--argv0"];
/// Options of `python` that take the next word as their value.
const PYTHON_OPTIONS_WITH_VALUE: [&str; 2] = ["-W", "-X"];

/// Whether a command runs gptme or gptme-server. `command` is the program and its arguments.
///
/// Recognized are the name or path of the program, `python -m gptme`, and `uvx`, `uv run`,
/// `uv tool run` and `pipx run`, each also after `env NAME=VALUE`.
///
/// ```
/// use prompush_gptme::is_gptme;
///
/// assert!(is_gptme(&["/usr/bin/python3".into(), "-m".into(), "gptme".into(), "hello".into()]));
/// assert!(!is_gptme(&["echo".into(), "gptme".into()]));
/// ```
pub fn is_gptme(command: &[OsString]) -> bool {
    let words: Vec<&str> = command.iter().map(|word| as_text(word)).collect();
    runs_gptme(&words)
}

/// The word, or a placeholder that matches nothing when the word is not UTF-8.
fn as_text(word: &OsStr) -> &str {
    word.to_str().unwrap_or("\u{FFFD}")
}

fn runs_gptme(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or_default();
    match name {
        "gptme" | "gptme-server" => true,
        "env" => runs_gptme(after_env(arguments)),
        "uvx" => runs_package(arguments, &UV_OPTIONS_WITH_VALUE),
        "uv" => match after_options(arguments, &UV_OPTIONS_WITH_VALUE) {
            ["run", rest @ ..] => uv_runs_gptme(rest),
            ["tool", rest @ ..] => match after_options(rest, &UV_OPTIONS_WITH_VALUE) {
                ["run", rest @ ..] => runs_package(rest, &UV_OPTIONS_WITH_VALUE),
                _ => false,
            },
            _ => false,
        },
        "pipx" => match after_options(arguments, &PIPX_OPTIONS_WITH_VALUE) {
            ["run", rest @ ..] => runs_package(rest, &PIPX_OPTIONS_WITH_VALUE),
            _ => false,
        },
        name if is_python(name) => runs_module(arguments),
        _ => false,
    }
}

/// Whether the program is Python: `python`, `python3`, `python3.11`, `pypy3`.
fn is_python(name: &str) -> bool {
    let version = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"));
    version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// The command after the options and variables of `env`.
fn after_env<'a, 'b>(arguments: &'a [&'b str]) -> &'a [&'b str] {
    let mut rest = after_options(arguments, &ENV_OPTIONS_WITH_VALUE);
    while let Some((_, after)) = rest.split_first().filter(|(word, _)| word.contains('=')) {
        rest = after;
    }
    rest
}

/// The arguments after the leading options. Options in `with_value` take the next word.
fn after_options<'a, 'b>(arguments: &'a [&'b str], with_value: &[&str]) -> &'a [&'b str] {
    let mut rest = arguments;
    while let Some((option, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        let skipped = usize::from(with_value.contains(option));
        rest = after.get(skipped..).unwrap_or_default();
        if *option == "--" {
            break;
        }
    }
    rest
}

/// Whether the package that `uvx`, `uv tool run` or `pipx run` runs is gptme. Its name may be
/// followed by extras and a version.
fn runs_package(arguments: &[&str], with_value: &[&str]) -> bool {
    let Some(package) = after_options(arguments, with_value).first() else { return false };
    let name = package.split(['@', '[', '=', '<', '>', '~', '!', ' ']).next().unwrap_or_default();
    matches!(name, "gptme" | "gptme-server")
}

/// Whether `uv run` runs gptme, as a command or, with `-m`, as a module.
fn uv_runs_gptme(arguments: &[&str]) -> bool {
    let before = arguments.len() - after_options(arguments, &UV_OPTIONS_WITH_VALUE).len();
    let options = arguments.get(..before).unwrap_or_default();
    match arguments.get(before..).unwrap_or_default() {
        [module, ..] if options.iter().any(|word| matches!(*word, "-m" | "--module")) => {
            is_module(module)
        }
        command => runs_gptme(command),
    }
}

/// Whether the arguments of Python name gptme, after `-m` or as a script.
fn runs_module(arguments: &[&str]) -> bool {
    let mut rest = arguments;
    while let Some((option, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        if *option == "-m" {
            return after.first().is_some_and(|module| is_module(module));
        }
        if let Some(module) = option.strip_prefix("-m") {
            return is_module(module);
        }
        let skipped = usize::from(PYTHON_OPTIONS_WITH_VALUE.contains(option));
        rest = after.get(skipped..).unwrap_or_default();
        if matches!(*option, "-c" | "-") {
            return false;
        }
    }
    rest.first().is_some_and(|script| runs_script(script))
}

fn runs_script(script: &str) -> bool {
    let name = Path::new(script).file_name().and_then(OsStr::to_str);
    matches!(name, Some("gptme" | "gptme-server"))
}

fn is_module(module: &str) -> bool {
    matches!(module, "gptme" | "gptme.cli" | "gptme.cli.main" | "gptme.server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, expected: bool) {
        let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
        assert_eq!(is_gptme(&words), expected, "{command}");
    }

    #[test]
    fn command_lines_of_gptme_are_known() {
        for command in [
            "gptme",
            "gptme hello",
            "/home/bob/.local/bin/gptme -n hello",
            "./gptme",
            "gptme-server serve --port 5700",
            "python -m gptme hello",
            "python3 -m gptme",
            "python3.11 -u -X dev -W ignore -m gptme.server",
            "/opt/venv/bin/python -mgptme",
            "/opt/venv/bin/python /opt/venv/bin/gptme hello",
            "pypy3 -m gptme",
            "uvx gptme hello",
            "uvx --python 3.12 gptme@latest",
            "uvx --from gptme[telemetry,server]==0.35.1 gptme hello",
            "uvx gptme[telemetry,server]",
            "uvx -w flask -c constraints.txt --overrides overrides.txt gptme hello",
            "uvx --constraints a.txt --exclude-newer 2026-01-01 -P click gptme",
            "uvx --prerelease allow --resolution lowest --link-mode copy gptme",
            "uvx --index-strategy first-index --python-platform linux gptme",
            "uv tool run -w flask gptme",
            "uv tool run gptme",
            "uv tool run --with flask gptme",
            "uv run gptme",
            "uv run --project /src/gptme gptme hello",
            "uv run -m gptme",
            "uv run python -m gptme",
            "uv --directory /src run gptme",
            "pipx run gptme",
            "pipx run --spec gptme[telemetry,server] gptme hello",
            "pipx run gptme==0.35.1",
            "pipx run --path gptme",
            "pipx run --fetch-missing-python gptme hello",
            "pipx run --fetch-python always gptme",
            "env A=b gptme",
            "env -i -u HOME A=b C=d python -m gptme",
            "/usr/bin/env gptme",
            "env -- A=b gptme",
        ] {
            check(command, true);
        }
    }

    #[test]
    fn other_command_lines_are_not() {
        for command in [
            "",
            "echo gptme",
            "gptme-util",
            "gptmex",
            "python script.py -m gptme",
            "python -c gptme",
            "python -m gptme_other",
            "python - gptme",
            "python",
            "pythonic -m gptme",
            "uvx ruff gptme",
            "uvx -w gptme ruff",
            "uvx --exclude-newer gptme ruff",
            "pipx run --fetch-python gptme ruff",
            "pipx run --path ruff gptme",
            "uvx --from gptme other",
            "uv pip install gptme",
            "uv tool install gptme",
            "uv run pytest gptme",
            "pipx install gptme",
            "env A=gptme",
            "env",
            "sh -c gptme",
            "vim gptme",
            "uvx",
        ] {
            check(command, false);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_word_that_is_not_text_is_not_gptme() {
        use std::os::unix::ffi::OsStringExt;
        assert!(!is_gptme(&[OsString::from_vec(vec![0xFF])]));
        assert!(is_gptme(&["gptme".into(), OsString::from_vec(vec![0xFF])]));
    }
}
