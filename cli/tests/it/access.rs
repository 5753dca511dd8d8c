//! Credentials and TLS of the command line: from files and the environment, against a real gateway
//! that wants all of it, and shown nowhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use prompush_testing::{
    Answer, Authority, Certified, Leaf, Pushgateway, ScriptedServer, Version, WebConfig,
};

use crate::support::{Run, prompush, run_command};

const PASSWORD: &str = "wonder land";
/// bcrypt of it, at the lowest cost.
const HASH: &str = "$2y$05$abcdefghijklmnopqrstuursDchxTEEtpfrQZuzTh/cOvMRDwFApK";

fn write(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, content).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// A push whose output shows no secret.
#[track_caller]
fn push(command: &mut Command) -> Run {
    let done = run_command(command, "a 1");
    let shown = format!("{done:?}");
    assert!(!shown.contains("wonder") && !shown.contains("d29uZGVy"), "{shown}");
    done
}

#[test]
fn a_gateway_that_wants_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let authority = Authority::new();
    let ca = write(folder, "ca.pem", &authority.certificate());
    let Certified { certificate, key } = authority.issue(Leaf::Client);
    let both = write(folder, "client.pem", &format!("{certificate}{key}"));
    let certificate = write(folder, "certificate.pem", &certificate);
    let key = write(folder, "key.pem", &key);
    let password = write(folder, "password", &format!("{PASSWORD}\n"));

    for version in Version::ALL {
        let web = WebConfig {
            tls: Some(authority.issue(Leaf::Server(&["127.0.0.1"]))),
            client_authority: Some(authority.certificate()),
            user: Some(("alice".to_owned(), HASH.to_owned())),
        };
        let Some(gateway) = Pushgateway::start_secured(version, &web) else { return };
        let command = || prompush(&["push", "--job", "x", "--gateway", gateway.url()]);

        let mut flags = command();
        flags.args(["--ca-file", &ca, "--cert-file", &certificate, "--key-file", &key]);
        flags.args(["--user", "alice", "--password-file", &password]);
        let done = push(&mut flags).expect_code(0);
        assert!(done.stderr.starts_with("pushed 1 metric family"), "{}", done.stderr);

        let mut environment = command();
        for (name, value) in [
            ("PROMPUSH_CA_FILE", ca.as_str()),
            ("PROMPUSH_CERT_FILE", &both),
            ("PROMPUSH_KEY_FILE", &both),
            ("PROMPUSH_USER", "alice"),
            ("PROMPUSH_PASSWORD", PASSWORD),
        ] {
            environment.env(name, value);
        }
        push(&mut environment).expect_code(0);
        // The command line comes before the environment.
        let empty = write(folder, "empty", "");
        let failed = push(environment.args(["--ca-file", &empty])).expect_code(2);
        assert!(failed.stderr.contains("`--ca-file`"), "{}", failed.stderr);

        let mut insecure = command();
        insecure.args(["--insecure", "--cert-file", &both, "--key-file", &both]);
        insecure.env("PROMPUSH_USER", "alice").env("PROMPUSH_PASSWORD_FILE", &password);
        let done = push(&mut insecure).expect_code(0);
        let warning = format!("warning: the certificate of `{}` is not checked", gateway.url());
        assert!(done.stderr.starts_with(&warning), "{}", done.stderr);

        let mut nobody = command();
        nobody.args(["--ca-file", &ca, "--cert-file", &both, "--key-file", &both]);
        let failed = push(&mut nobody).expect_code(1);
        assert!(failed.stderr.contains("gateway answered 401"), "{}", failed.stderr);
        assert!(failed.stderr.contains("`--password-file`"), "{}", failed.stderr);
    }
}

#[test]
fn tokens_and_headers_are_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = write(folder.path(), "token", "wonder\n");
    let headers = write(folder.path(), "headers", "# of the proxy\nX-Scope-OrgID: team-a\n");
    let server = ScriptedServer::start([Answer::status(200)]);
    let command = || prompush(&["push", "--job", "x", "--quiet", "--gateway", &server.url()]);
    push(command().args(["--bearer-token-file", &token, "--header-file", &headers])).expect_code(0);
    push(
        command()
            .env("PROMPUSH_BEARER_TOKEN", "wonder")
            .env("PROMPUSH_HEADERS", "X-Scope-OrgID: team-a\nX-Other: b"),
    )
    .expect_code(0);
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer wonder"));
        assert_eq!(request.header("x-scope-orgid"), Some("team-a"));
    }
    assert_eq!(server.requests()[1].header("x-other"), Some("b"));
}

#[test]
fn a_secret_that_all_can_read_is_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = write(folder.path(), "token", "wonder\n");
    let server = ScriptedServer::start([Answer::status(200)]);
    let arguments =
        ["push", "--job", "x", "--gateway", &server.url(), "--bearer-token-file", &token];
    let quiet = push(&mut prompush(&arguments)).expect_code(0);
    assert!(!quiet.stderr.contains("warning"), "{}", quiet.stderr);
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).expect("its mode");
    let loud = push(&mut prompush(&arguments)).expect_code(0);
    let warning = format!("warning: every user of this machine can read `{token}`: `chmod 600`");
    assert!(loud.stderr.starts_with(&warning), "{}", loud.stderr);
}

#[test]
fn what_is_given_in_part_or_twice_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let password = write(folder.path(), "password", "wonder");
    let missing = folder.path().join("missing").to_str().expect("UTF-8").to_owned();
    let check = |arguments: &[&str], environment: &[(&str, &str)], words: &[&str]| {
        let mut command = prompush(&["push", "--job", "x", "--gateway", "http://127.0.0.1:1"]);
        command.args(arguments).envs(environment.iter().copied());
        let failed = push(&mut command).expect_code(2);
        for word in words {
            assert!(failed.stderr.contains(word), "{word} in {}", failed.stderr);
        }
    };
    check(&["--password-file", &password], &[], &["without `--user`", "`--user NAME`"]);
    check(&["--user", "u"], &[], &["without `--password-file`", "PROMPUSH_PASSWORD"]);
    check(
        &["--user", "u", "--password-file", &missing],
        &[],
        &["`--password-file`", &missing, "No such file"],
    );
    check(&["--cert-file", &password], &[], &["without `--key-file`"]);
    check(&["--key-file", &password], &[], &["without `--cert-file`"]);
    check(&["--bearer-token-file", &password, "--user", "u"], &[], &["cannot be used with"]);
    let twice = [("PROMPUSH_PASSWORD", "wonder"), ("PROMPUSH_BEARER_TOKEN", "wonder")];
    check(&[], &twice, &["`PROMPUSH_PASSWORD` and `PROMPUSH_BEARER_TOKEN` are both set"]);
    check(
        &[],
        &[("PROMPUSH_PASSWORD", "wonder")],
        &["`PROMPUSH_PASSWORD` is given", "without `--user`"],
    );
    check(&[], &[("PROMPUSH_INSECURE", "maybe")], &["`PROMPUSH_INSECURE`", "`1` or `0`"]);
    check(&[], &[("PROMPUSH_HEADERS", "wonder")], &["`PROMPUSH_HEADERS`", "X-Scope-OrgID: team-a"]);
    check(&[], &[("PROMPUSH_HEADERS", "Host: wonder")], &["`PROMPUSH_HEADERS`", "by themselves"]);
}

#[test]
fn a_proxy_sees_the_tunnel_alone() {
    // A proxy that lets nobody through.
    let proxy = ScriptedServer::start([Answer::status(403)]);
    let mut command = prompush(&["push", "--job", "x", "--gateway", "http://gw.invalid:9091"]);
    command.args(["--timeout", "300ms"]).env("HTTP_PROXY", proxy.url().replace("://", "://p:q@"));
    command.env("PROMPUSH_BEARER_TOKEN", "wonder");
    let failed = push(&mut command).expect_code(69);
    assert!(failed.stderr.contains("the proxy of the environment"), "{}", failed.stderr);
    assert!(failed.stderr.contains("`NO_PROXY`"), "{}", failed.stderr);
    let request = &proxy.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("CONNECT", "gw.invalid:9091"));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("proxy-authorization"), Some("Basic cDpx"));
    // A host that is to be reached without it.
    let gateway = ScriptedServer::start([Answer::status(200)]);
    let mut command = prompush(&["push", "--job", "x", "--gateway", &gateway.url()]);
    let before = proxy.connections();
    push(command.env("HTTP_PROXY", proxy.url()).env("NO_PROXY", "127.0.0.1")).expect_code(0);
    assert_eq!((proxy.connections(), gateway.requests().len()), (before, 1));
    // One of a kind that is not spoken.
    let mut command = prompush(&["push", "--job", "x", "--gateway", &gateway.url()]);
    let done = push(command.env("ALL_PROXY", "socks5://127.0.0.1:1")).expect_code(0);
    let warning = "warning: the environment names a proxy of SOCKS5, which is not used";
    assert!(done.stderr.starts_with(warning), "{}", done.stderr);
}
