//! Common mistakes and the messages for them. Each message has to say what to do, without any document.
//! `mistakes.txt` holds all messages as they are shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use prompush_testing::{
    Answer, Authority, Certified, Leaf, Prometheus, Pushgateway, ScriptedServer, Version,
    WebConfig, free_address,
};

use crate::support::{prompush, run_command};

/// A title, a command line and what is said on stderr; `▸` begins one.
const GOLDEN: &str = include_str!("mistakes.txt");

/// bcrypt of a password that nobody gives here, at the lowest cost.
const HASH: &str = "$2y$05$abcdefghijklmnopqrstuursDchxTEEtpfrQZuzTh/cOvMRDwFApK";

/// Does them one after the other, and holds what they say.
struct Mistakes<'a> {
    folder: &'a Path,
    shown: Vec<String>,
}

impl Mistakes<'_> {
    /// `prompush push --job x` with these arguments and this stdin.
    fn push(&mut self, title: &str, arguments: &[&str], stdin: &str) {
        self.run(title, &[&["push", "--job", "x"], arguments].concat(), stdin);
    }

    fn run(&mut self, title: &str, arguments: &[&str], stdin: &str) {
        let line = format!("$ prompush {}", arguments.join(" "));
        let mut command: Command = prompush(arguments);
        command.env("NO_PROXY", "*").current_dir(self.folder);
        let done = run_command(&mut command, stdin);
        assert_ne!(done.code, Some(0), "{title}: {done:?}");
        assert!(!done.stderr.contains("wonder"), "{title}: a secret: {}", done.stderr);
        let words = format!("▸ {title}\n{line}\n{}", done.stderr);
        self.shown.push(self.normal(&words));
    }

    /// Takes what is said from the file: the server that it needs is not there.
    fn skip(&mut self, title: &str) {
        let begins = format!("▸ {title}\n");
        let found = GOLDEN.split("\n\n").find(|block| block.starts_with(&begins));
        self.shown.push(format!("{}\n", found.expect("it is in the file")));
    }

    /// Without what differs from run to run: folder, ports, times and numbers of attempts.
    fn normal(&self, words: &str) -> String {
        let words = words.replace(&self.folder.display().to_string(), "DIR");
        let words = numbered(&words, "127.0.0.1:", "", "PORT");
        let words = numbered(&words, "expired ", " days", "N");
        // The gateway names one of two metrics, by chance.
        let begins = "invalid or inconsistent with existing metrics: ";
        let lines = words.split_inclusive('\n').map(|line| match line.split_once(begins) {
            Some((before, _)) => format!("{before}{begins}…\n"),
            None => line.to_owned(),
        });
        let words: String = lines.collect();
        // On a busy machine there may be time for one only.
        numbered(&words, " (", " attempts)", "N").replace(" (N attempts)", "")
    }
}

/// A file that nobody else can read.
fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    fs::write(&path, content).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

/// The number between `before` and `after` replaced by a name.
fn numbered(words: &str, before: &str, after: &str, name: &str) -> String {
    let mut parts = words.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(before);
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_number = rest.len() < part.len() && rest.starts_with(after);
        out.push_str(if is_number { name } else { "" });
        out.push_str(if is_number { rest } else { part });
    }
    out
}

#[test]
fn each_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().canonicalize().expect("its path");
    let mut mistakes = Mistakes { folder: &folder, shown: Vec::new() };
    the_place(&mut mistakes);
    the_server(&mut mistakes);
    certificates(&mut mistakes);
    files(&mut mistakes);
    bodies(&mut mistakes);
    the_command_line(&mut mistakes);
    let shown = mistakes.shown.join("\n");
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes.txt");
    fs::write(&copy, &shown).expect("a copy to compare");
    for message in &mistakes.shown {
        let told = message.contains("hint: ") || message.contains(": expected ");
        assert!(told, "what to do? {message}");
    }
    assert!(shown == GOLDEN, "not as in `mistakes.txt`: see `{}`", copy.display());
}

/// The wrong place.
fn the_place(mistakes: &mut Mistakes<'_>) {
    let quick = ["--timeout", "300ms", "--gateway"];
    let nowhere = format!("http://{}", free_address());
    mistakes.push("wrong port", &[&quick[..], &[&nowhere]].concat(), "a 1");
    let otlp = "http://127.77.77.77:4318";
    mistakes.push("the port of OTLP", &[&quick[..], &[otlp]].concat(), "a 1");
    mistakes.push("Prometheus's port", &[&quick[..], &["127.77.77.77:9090"]].concat(), "a 1");
    let silent = ScriptedServer::start([Answer::Hang]);
    mistakes.push("a host that says nothing", &[&quick[..], &[&silent.url()]].concat(), "a 1");
    match Prometheus::start(&[], Duration::from_mins(1)) {
        Some(prometheus) => {
            let url = format!("http://{}", prometheus.address());
            mistakes.push("Prometheus instead of a gateway", &["--gateway", &url], "a 1");
        }
        None => mistakes.skip("Prometheus instead of a gateway"),
    }
    match Pushgateway::start(Version::Sid) {
        Some(gateway) => {
            let url = gateway.url();
            let tls = url.replace("http://", "https://");
            mistakes.push("https where there is no TLS", &["--gateway", &tls], "a 1");
            let prefix = format!("{url}/pushgateway");
            mistakes.push("a prefix that is not there", &["--gateway", &prefix], "a 1");
            clash(mistakes, url);
        }
        None => {
            for title in
                ["https where there is no TLS", "a prefix that is not there", CLASH, SERIES]
            {
                mistakes.skip(title);
            }
        }
    }
    let whole = "http://127.0.0.1:9091/metrics/job/x";
    mistakes.push("the group in the URL", &["--gateway", whole], "a 1");
}

const CLASH: &str = "a metric that another group has with another type";
const SERIES: &str = "a series that another group has";

/// Mistakes that only the gateway can find.
fn clash(mistakes: &mut Mistakes<'_>, url: &str) {
    let other = ["push", "--job", "other", "--quiet", "--gateway", url];
    run_command(&mut prompush(&other), "# TYPE rows gauge\nrows 1\n").expect_code(0);
    mistakes.push(CLASH, &["--gateway", url], "# TYPE rows counter\nrows 2\n");
    let same = ["push", "--job", "x", "--group", "a=1", "--quiet", "--gateway", url];
    run_command(&mut prompush(&same), "b 1\n").expect_code(0);
    mistakes.push(SERIES, &["--gateway", url], "b{a=\"1\"} 1\n");
}

#[test]
fn a_host_that_is_not_spelled_right() {
    let url = "http://gatway.invalid:9091";
    let mut command = prompush(&["push", "--job", "x", "--timeout", "500ms", "--gateway", url]);
    let done = run_command(command.env("NO_PROXY", "*"), "a 1").expect_code(69);
    // Where there is no network, nobody knows whether there is such a name.
    let told = ["is it spelled right?", "the name server does not answer"];
    assert!(told.iter().any(|words| done.stderr.contains(words)), "{}", done.stderr);
}

/// Something that answers, in the gateway's place or before it.
fn the_server(mistakes: &mut Mistakes<'_>) {
    let mut answer = |title: &str, answer: Answer| {
        let server = ScriptedServer::start([answer]);
        mistakes.push(title, &["--timeout", "300ms", "--gateway", &server.url()], "a 1");
    };
    let page = "<!DOCTYPE html><title>Log in</title>";
    answer("a login page", Answer::status(200).header("Content-Type", "text/html").body(page));
    let login = "https://login.example/?next=%2Fmetrics";
    answer("a redirect to a login page", Answer::status(302).header("Location", login));
    answer("401", Answer::status(401).body("Unauthorized\n"));
    answer("403", Answer::status(403).body("<html><body>Forbidden</body></html>"));
    answer("413", Answer::status(413).body("Request Entity Too Large\n"));
    answer("429", Answer::status(429).header("Retry-After", "60"));
    answer("502", Answer::status(502).body("<html><title>502 Bad Gateway</title></html>"));
    answer("503", Answer::status(503).body("write queue is full\n"));
    answer("something that is no HTTP", Answer::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()));
    answer("Debian 13's gateway, and a push it refuses", Answer::CloseAfterBody);
}

const TLS: [&str; 7] = [
    "http where there is TLS",
    "an authority that is not trusted",
    "another authority's certificate",
    "no client certificate",
    "the wrong password",
    "an expired certificate",
    "a certificate for another host",
];

fn certificates(mistakes: &mut Mistakes<'_>) {
    let authority = Authority::new();
    let write = |name: &str, content: &str| write(mistakes.folder, name, content);
    let Certified { certificate, key } = authority.issue(Leaf::Client);
    write("ca.pem", &authority.certificate());
    write("other-ca.pem", &Authority::new().certificate());
    write("client.pem", &certificate);
    write("client-key.pem", &key);
    let host = ["127.0.0.1"];
    let web = WebConfig {
        tls: Some(authority.issue(Leaf::Server(&host))),
        client_authority: Some(authority.certificate()),
        user: Some(("alice".to_owned(), HASH.to_owned())),
    };
    let Some(gateway) = Pushgateway::start_secured(Version::Sid, &web) else {
        return TLS.iter().for_each(|title| mistakes.skip(title));
    };
    let url = gateway.url();
    let plain = url.replace("https://", "http://");
    mistakes.push(TLS[0], &["--gateway", &plain], "a 1");
    mistakes.push(TLS[1], &["--gateway", url], "a 1");
    mistakes.push(TLS[2], &["--gateway", url, "--ca-file", "other-ca.pem"], "a 1");
    mistakes.push(TLS[3], &["--gateway", url, "--ca-file", "ca.pem"], "a 1");
    let user = url.replace("://", "://alice:wonder@");
    let known =
        ["--ca-file", "ca.pem", "--cert-file", "client.pem", "--key-file", "client-key.pem"];
    let mut arguments = vec!["push", "--job", "x"];
    arguments.extend(known);
    // The URL holds the password, so it is not part of the line that is shown.
    let mut command = prompush(&arguments);
    command.env("NO_PROXY", "*").env("PUSHGATEWAY_URL", &user).current_dir(mistakes.folder);
    let done = run_command(&mut command, "a 1").expect_code(1);
    assert!(!done.stderr.contains("wonder"), "{}", done.stderr);
    let words = format!("▸ {}\n$ prompush {}\n{}", TLS[4], arguments.join(" "), done.stderr);
    let words = mistakes.normal(&words);
    mistakes.shown.push(words);
    for (title, leaf) in
        [(TLS[5], Leaf::ExpiredServer(&host)), (TLS[6], Leaf::Server(&["gw.example"]))]
    {
        let web = WebConfig { tls: Some(authority.issue(leaf)), ..WebConfig::default() };
        if let Some(gateway) = Pushgateway::start_secured(Version::Sid, &web) {
            mistakes.push(title, &["--gateway", gateway.url(), "--ca-file", "ca.pem"], "a 1");
        }
    }
}

fn files(mistakes: &mut Mistakes<'_>) {
    let write = |name: &str, content: &str| write(mistakes.folder, name, content);
    write("empty", "");
    write("text", "hello\n");
    write("passwd", "# users\nroot:wonder:0:0:root:/:/bin/sh\n");
    let authority = Authority::new();
    write("a.pem", &authority.issue(Leaf::Client).certificate);
    write("b-key.pem", &authority.issue(Leaf::Client).key);
    let at = ["--gateway", "http://127.0.0.1:9091"];
    let mut push = |title: &str, arguments: &[&str]| {
        mistakes.push(title, &[&at[..], arguments].concat(), "a 1");
    };
    push("a password file that is missing", &["--user", "u", "--password-file", "missing"]);
    push("a password file that is empty", &["--user", "u", "--password-file", "empty"]);
    push("a password without a user", &["--password-file", "text"]);
    push("authorities that are no PEM", &["--ca-file", "text"]);
    push("a key of another certificate", &["--cert-file", "a.pem", "--key-file", "b-key.pem"]);
    push("a certificate that is none", &["--cert-file", "text", "--key-file", "b-key.pem"]);
    push("a certificate without its key", &["--cert-file", "a.pem"]);
    push("a file of headers that holds something else", &["--header-file", "passwd"]);
    mistakes.push("a file of metrics that is missing", &["missing.prom"], "");
}

fn bodies(mistakes: &mut Mistakes<'_>) {
    for (title, body) in [
        ("a bad metric name", "rows-read 1\n"),
        ("a bad label name", "rows{a-b=\"1\"} 1\n"),
        ("a label without quotes", "rows{disk=sda} 1\n"),
        ("a timestamp", "rows 1 1600000000000\n"),
        ("a series twice", "rows 1\nrows 2\n"),
        ("a decimal comma", "rows 1,5\n"),
        ("a value that is missing", "rows\n"),
        ("a page in place of metrics", "<html><body>Not found</body></html>\n"),
        ("nothing", ""),
    ] {
        mistakes.push(title, &[], body);
    }
}

fn the_command_line(mistakes: &mut Mistakes<'_>) {
    mistakes.run("an empty job", &["push", "--job", ""], "a 1");
    mistakes.push("a label of the group without a value", &["--group", "instance"], "a 1");
    mistakes.push("a label that Prometheus cannot scrape", &["--group", "le=1"], "a 1");
    mistakes.push("a space in the URL", &["--gateway", "http://gw :9091"], "a 1");
    mistakes.push("another scheme", &["--gateway", "ftp://gw"], "a 1");
    let dir = mistakes.folder.display().to_string();
    let drop = ["spool", "drop", "--spool", &dir];
    mistakes.run("a spool dropped without saying which groups", &drop, "");
}
