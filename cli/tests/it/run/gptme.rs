//! A program called gptme.

use std::process::Command;

use crate::support::{Gptme, OurGateway, run_command};

#[test]
fn the_wrapper_is_not_taken_for_another_gptme() {
    let gateway = OurGateway::start(&[]);
    // What gptme does: it looks for a path that ends in its name.
    let script =
        "tr '\\0' '\\n' < /proc/$PPID/cmdline | tail -n +2; echo \"comm $(cat /proc/$PPID/comm)\"";
    let gptme = Gptme::new(script);
    let mut command = gptme.wrapped(&gateway.url, &[]);
    let done = run_command(command.args(["-n", "a secret prompt", "/x/gptme"]), "").expect_code(0);
    assert_eq!(done.stdout, "run\n--\ngptme\ncomm prompush\n");
}

#[test]
fn its_arguments_and_its_world_stay_as_they_are() {
    let gateway = OurGateway::start(&[]);
    let script =
        "printf '%q ' \"$@\"; env | grep PROMPUSH_RUN; cd /proc/$$/fd; echo; echo *; exit 7";
    let gptme = Gptme::new(script);
    let arguments = ["", "two words", "a\nb", "--help", "-q", "*", "\u{e9}"];
    let mut bare = Command::new(&gptme.path);
    let expected = run_command(bare.args(arguments), "").expect_code(7).stdout;
    let mut command = gptme.wrapped(&gateway.url, &[]);
    assert_eq!(run_command(command.args(arguments), "").expect_code(7).stdout, expected);
}

#[test]
fn a_variable_that_somebody_set_is_not_believed() {
    let gateway = OurGateway::start(&[]);
    let gptme = Gptme::new("exit 7");
    for value in ["/proc/self/fd/0", "/proc/self/fd/1000", "x", ""] {
        let mut command = gptme.wrapped(&gateway.url, &[]);
        run_command(command.env("PROMPUSH_RUN_ARGUMENTS", value), "run\0push").expect_code(7);
    }
}
