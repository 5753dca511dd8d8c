//! Which command lines run gptme.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Options of `uvx`, `uv tool run` and `uv run` whose value is the next word.
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
/// The same of `pipx run`.
const PIPX_OPTIONS_WITH_VALUE: [&str; 7] =
    ["--spec", "--python", "--index-url", "-i", "--pip-args", "--with", "--fetch-python"];
/// The same of `env`.
const ENV_OPTIONS_WITH_VALUE: [&str; 6] = ["-u", "--unset", "-C", "--chdir", "-a", "--argv0"];
/// The same of `python`.
const PYTHON_OPTIONS_WITH_VALUE: [&str; 2] = ["-W", "-X"];

/// Whether `command`, a program with its arguments, runs gptme or gptme-server: by its name or
/// path, as `python -m gptme`, through `uvx`, `uv run`, `uv tool run` or `pipx run`, also behind
/// `env NAME=VALUE`.
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

/// A word that is not UTF-8 is none that matters here.
fn as_text(word: &OsStr) -> &str {
    word.to_str().unwrap_or("\u{FFFD}")
}

fn runs_gptme(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or_default();
    match name {
        "gptme" | "gptme-server" => true,
        "env" => runs_gptme(behind_env(arguments)),
        "uvx" => runs_package(arguments, &UV_OPTIONS_WITH_VALUE),
        "uv" => match behind_options(arguments, &UV_OPTIONS_WITH_VALUE) {
            ["run", rest @ ..] => runs_gptme_or_module(rest),
            ["tool", rest @ ..] => match behind_options(rest, &UV_OPTIONS_WITH_VALUE) {
                ["run", rest @ ..] => runs_package(rest, &UV_OPTIONS_WITH_VALUE),
                _ => false,
            },
            _ => false,
        },
        "pipx" => match behind_options(arguments, &PIPX_OPTIONS_WITH_VALUE) {
            ["run", rest @ ..] => runs_package(rest, &PIPX_OPTIONS_WITH_VALUE),
            _ => false,
        },
        name if is_python(name) => runs_module(arguments),
        _ => false,
    }
}

/// `python`, `python3`, `python3.11`, `pypy3`.
fn is_python(name: &str) -> bool {
    let version = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"));
    version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// The command behind the options and variables of `env`.
fn behind_env<'a, 'b>(arguments: &'a [&'b str]) -> &'a [&'b str] {
    let mut rest = behind_options(arguments, &ENV_OPTIONS_WITH_VALUE);
    while let Some((_, after)) = rest.split_first().filter(|(word, _)| word.contains('=')) {
        rest = after;
    }
    rest
}

/// What stands behind options, of which `with_value` take the next word.
fn behind_options<'a, 'b>(arguments: &'a [&'b str], with_value: &[&str]) -> &'a [&'b str] {
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

/// `uvx`, `uv tool run` and `pipx run` take the name of a package, with extras and a version.
fn runs_package(arguments: &[&str], with_value: &[&str]) -> bool {
    let Some(package) = behind_options(arguments, with_value).first() else { return false };
    let name = package.split(['@', '[', '=', '<', '>', '~', '!', ' ']).next().unwrap_or_default();
    matches!(name, "gptme" | "gptme-server")
}

/// `uv run` takes a command, or `-m` and a module.
fn runs_gptme_or_module(arguments: &[&str]) -> bool {
    let before = arguments.len() - behind_options(arguments, &UV_OPTIONS_WITH_VALUE).len();
    let options = arguments.get(..before).unwrap_or_default();
    match arguments.get(before..).unwrap_or_default() {
        [module, ..] if options.iter().any(|word| matches!(*word, "-m" | "--module")) => {
            is_module(module)
        }
        command => runs_gptme(command),
    }
}

/// `-m` and a module among the arguments of Python, before any script.
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
    // A script: that of gptme itself.
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
    fn others_are_not() {
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
    fn what_is_not_text_is_not_gptme() {
        use std::os::unix::ffi::OsStringExt;
        assert!(!is_gptme(&[OsString::from_vec(vec![0xFF])]));
        assert!(is_gptme(&["gptme".into(), OsString::from_vec(vec![0xFF])]));
    }
}
