//! The command line itself: what is wrong with it, help, completions, and output for machines.

use seal_tests::{keys, run::Finished, scratch::Scratch};
use serde_json::Value;

use crate::{
    cert::key_id,
    samples::{MARKER, SECRET, cert, document, key, sealed_secret, with_cert},
};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Checks that a command line is refused with exit code 2, does nothing, and says this.
#[track_caller]
fn usage(arguments: &[&str], says: &str) {
    let scratch = Scratch::new();
    let run = scratch
        .seal(arguments)
        .env("SEAL_CERT", cert())
        .stdin(SECRET)
        .finish()
        .exits(2)
        .says(says)
        .never_shows(MARKER);
    assert_eq!(run.out(), "");
    assert!(scratch.files().is_empty());
}

#[test]
fn wrong_command_lines_do_nothing() {
    usage(&["--no-such-flag"], "'--no-such-flag'");
    usage(&["no-such-command"], "'no-such-command'");
    usage(
        &["encrypt", "--name=a", "--name=b"],
        "cannot be used multiple times",
    );
    usage(
        &["encrypt", "--cert", "a", "--cert", "b"],
        "cannot be used multiple times",
    );
    usage(
        &["encrypt", "a.yaml", "--in-place", "--output=b.yaml"],
        "cannot be used with",
    );
    usage(
        &["encrypt", "--scope=everywhere"],
        "strict, namespace-wide, cluster-wide",
    );
    usage(&["--format=xml"], "text, json");
    usage(&["create"], "<NAME>");
    usage(&["create", "a", "--force"], "--output");
    usage(
        &["create", "a", "--docker-password-file=x"],
        "--docker-registry",
    );
    usage(&["create", "a", "--tls", "x"], "2 values required");
    usage(&["set"], "<FILE>");
    usage(&["unseal", "a.yaml"], "--key");
    usage(&["keys", "new"], "--output");
    usage(&["keys", "new", "-o=k", "--size=many"], "--size");
    usage(&["keys", "new", "-o=k", "--days=0"], "--days");
    usage(&["keys", "new", "-o=k", "--days=4294967295"], "--days");
    usage(&["completions", "ksh"], "bash");
    usage(&["--name=a", "encrypt"], "stands before the command");
}

#[test]
fn values_that_a_flag_does_not_take_are_usage_errors() {
    let hidden = |arguments: &[&str], says: &str| {
        usage(arguments, says);
        usage(arguments, "invalid value '(not shown)' for");
    };
    let create = |flag: &str, says: &str| hidden(&["create", "a", "-n=b", flag], says);
    for pin in ["zz", "e378cdde6ddcabda", &"g".repeat(64)] {
        hidden(&["encrypt", "--pin", pin], "\"seal cert show\" prints it");
        hidden(&["cert", "show", "x", "--pin", pin], "--pin");
    }
    hidden(&["encrypt", "--scope=everywhere"], "--scope");
    for command in ["encrypt", "raw"] {
        hidden(&[command, "--name=A"], "a name must be lower-case letters");
        hidden(&[command, "--namespace=a.b"], "a namespace must be");
    }
    hidden(&["create", "A"], "<NAME>");
    hidden(&["create", "a", "-n", "Prod"], "a namespace must be");
    hidden(&["keys", "new", "-o=k", "--name=A"], "--name");
    hidden(&["keys", "new", "-o=k", "-n=A"], "--namespace");
    hidden(
        &["keys", "new", "-o=k", "--size=2049"],
        "[possible values: 2048, 3072, 4096, 8192]",
    );
    hidden(&["keys", "new", "-o=k", "--days=36501"], "from 1 to 36500");
    hidden(&["keys", "new", "-o=-"], "--output");
    hidden(&["keys", "new", "-o=k", "--cert-output=-"], "--cert-output");
    hidden(&["cert", "pin", "x", "-o=-"], "--output");
    hidden(&["set", "-"], "<FILE>");
    hidden(&["set", "s.yaml", "--name=A"], "--name");
    for length in ["a=99999", "a=x", "a=0", "a=-1", "a="] {
        create(
            &format!("--generate={length}"),
            "a length is from 1 to 4096",
        );
    }
    create("--generate=a", "the form is KEY=LENGTH");
    create("--generate=a b=1", "an item's key must be");
    create(&format!("--from-literal={MARKER}"), "the form is KEY=VALUE");
    create(
        &format!("--from-literal={MARKER}/x=y"),
        "an item's key must be",
    );
    create("--from-file=.", "KEY=PATH");
    create("--from-file=-", "KEY=PATH");
    create("--from-file=a b=-", "an item's key must be");
    create("--prompt=a b", "an item's key must be");
    create("--label=x", "the form is NAME=VALUE");
    create("--label=a b=c", "--label");
    let user = format!("me:{MARKER}");
    usage(
        &["create", "a", "-n=b", "--docker-registry", "r", &user],
        "has a colon",
    );
    for odd in ["--type=a b", "--type=a\nb"] {
        create(odd, "a type has letters");
    }
    for empty in ["--type=", "--cert=", "--docker-registry="] {
        usage(&["create", "a", empty], "--");
    }
}

#[test]
fn flags_that_contradict_each_other_are_usage_errors() {
    let create = |flags: &str, says: &str| {
        let arguments: Vec<&str> = "create a -n=b".split(' ').chain(flags.split(' ')).collect();
        usage(&arguments, says);
    };
    create("--json", "no value is given: --from-file");
    create("--from-file=p=- --generate=p=9", "\"p\" is given twice");
    create(
        "--tls c k --from-literal=tls.key=x",
        "\"tls.key\" is given twice",
    );
    create("--tls c k --type=Opaque", "kubernetes.io/tls");
    create("--tls c k --docker-registry a b", "cannot be used with");
    create(
        "--generate=p=9 --label=a=b --label=a=c",
        "the label a is given twice",
    );
    for second in ["--from-file=b=-", "--from-env-file=-", "--tls - k"] {
        create(
            &format!("--from-file=a=- {second}"),
            "standard input is named more than once",
        );
    }
    usage(
        &["set", "s.yaml"],
        "no value is given and none is to be removed",
    );
    usage(
        &["set", "s.yaml", "--remove=a", "--remove=a"],
        "removed twice",
    );
    usage(
        &["set", "s.yaml", "--remove=a", "--from-file=a=-"],
        "to be set and to be removed",
    );
    for inputs in ["-", "a.yaml -"] {
        let inputs = ["encrypt", "--in-place"]
            .into_iter()
            .chain(inputs.split(' '));
        usage(&inputs.collect::<Vec<_>>(), "--in-place replaces files");
    }
    usage(&["encrypt", "--in-place"], "--in-place replaces files");
    usage(
        &["encrypt", "-", "-"],
        "standard input is named more than once",
    );
    usage(
        &["inspect", "-", "-"],
        "standard input is named more than once",
    );
    usage(
        &["unseal", "-", "--key=-"],
        "standard input is named more than once",
    );
    usage(
        &["keys", "new", "-o=k", "--cert-output=./k"],
        "name the same file",
    );
}

#[test]
fn wrong_command_lines_are_reported_in_json_too() {
    let check = |arguments: &[&str], says: &str| {
        let run = Scratch::new()
            .seal(arguments)
            .args(["--format", "json"])
            .stdin(MARKER)
            .finish()
            .exits(2)
            .never_shows(MARKER);
        let found = lines(&run);
        assert_eq!(found.len(), 1, "{}", run.err());
        assert_eq!(found[0]["level"], "error");
        assert_eq!(found[0]["reason"], "InvalidCommandLine");
        let message = found[0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{message}");
        assert_eq!(run.out(), "");
    };
    let literal = format!("--from-literal={MARKER}");
    check(&["create", "a", &literal], "the form is KEY=VALUE");
    check(&["create", "a", MARKER], "unexpected argument");
    check(&["unseal", "a.yaml"], "--key <FILE>");
    check(&["encrypt", "--in-place"], "--in-place replaces files");
    check(&["cert"], "subcommand");
}

#[test]
fn a_value_in_the_wrong_place_is_not_repeated() {
    usage(
        &["set", "s.yaml", &format!("password={MARKER}")],
        "--from-file",
    );
    usage(&["create", "db", &format!("password={MARKER}")], "--prompt");
    usage(&["create", "db", MARKER], "may be a value");
    usage(
        &["create", "db", &format!("--from-literals={MARKER}")],
        "'--from-literals'",
    );
}

#[test]
fn help_and_version_go_to_standard_output() {
    let commands = [
        "",
        "encrypt",
        "create",
        "raw",
        "set",
        "cert",
        "cert fetch",
        "cert show",
        "cert pin",
        "inspect",
        "unseal",
        "keys",
        "keys new",
        "completions",
    ];
    for command in commands {
        let words = command.split_whitespace();
        let run = Scratch::new().seal(words).arg("--help").finish().exits(0);
        assert!(run.out().contains("Usage: seal"), "{}", run.out());
        assert_eq!(run.err(), "");
    }
    let run = Scratch::new().seal(["-V"]).finish().exits(0);
    assert!(run.out().starts_with("seal "));
}

#[test]
fn every_shell_has_completions() {
    for shell in SHELLS {
        let run = Scratch::new()
            .seal(["completions", shell])
            .finish()
            .exits(0);
        assert!(
            run.out().contains("seal") && run.out().contains("from-env-file"),
            "{shell}"
        );
    }
}

/// The JSON lines on standard error.
#[track_caller]
fn lines(run: &Finished) -> Vec<Value> {
    let parse =
        |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {}", run.err()));
    run.err().lines().map(parse).collect()
}

#[test]
fn every_command_reports_in_json() {
    let scratch = Scratch::new();
    scratch.write("bad.yaml", "a: 1\n---\nb: [\n");
    scratch.write(
        "s.yaml",
        sealed_secret(&scratch).replace("name: db", "name: x"),
    );
    let (cert, key) = (cert().display().to_string(), key().display().to_string());
    let check = |arguments: &[&str], reason: &str, file: &str, line: Option<u64>| {
        let run = scratch
            .seal(arguments)
            .args(["--format", "json"])
            .env("SEAL_CERT", &cert)
            .stdin(MARKER)
            .finish()
            .exits(1)
            .never_shows(MARKER);
        let found = lines(&run);
        let [problem] = found.as_slice() else {
            panic!("one line is expected: {}", run.err())
        };
        assert_eq!(
            (problem["level"].as_str(), problem["reason"].as_str()),
            (Some("error"), Some(reason))
        );
        assert_eq!(problem["file"].as_str().unwrap_or_default(), file);
        assert_eq!(problem["line"].as_u64(), line);
        assert!(
            problem["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty())
        );
    };
    check(
        &["encrypt", "bad.yaml"],
        "InvalidSyntax",
        "bad.yaml",
        Some(3),
    );
    check(
        &["inspect", "bad.yaml"],
        "InvalidSyntax",
        "bad.yaml",
        Some(3),
    );
    check(
        &["set", "bad.yaml", "--remove=a"],
        "InvalidSyntax",
        "bad.yaml",
        Some(3),
    );
    check(
        &["unseal", "s.yaml", "--key", &key],
        "SealedForAnotherName",
        "s.yaml",
        Some(1),
    );
    check(
        &["create", "a", "--from-file=a=-"],
        "MissingNamespace",
        "",
        None,
    );
    check(&["raw"], "MissingNamespace", "", None);
    check(&["cert", "show", "nothere"], "Unreadable", "nothere", None);
    check(&["cert", "fetch", "nothere"], "Unreadable", "nothere", None);
    check(&["cert", "pin", "nothere"], "Unreadable", "nothere", None);
    check(
        &["keys", "new", "-o", "bad.yaml"],
        "Conflict",
        "bad.yaml",
        None,
    );
}

#[test]
fn seal_alone_takes_every_option_of_sealing() {
    let bare = "apiVersion: v1\nkind: Secret\ntype: bootstrap.kubernetes.io/token\n";
    let run = with_options(bare).exits(0);
    let object = document(run.out());
    assert_eq!(object["metadata"]["name"], "db");
    assert_eq!(object["metadata"]["namespace"], "prod");
}

fn with_options(input: &str) -> Finished {
    let id = key_id("rsa-2048.crt");
    Scratch::new()
        .seal([
            "--name=db",
            "--namespace=prod",
            "--scope=cluster-wide",
            "--allow-empty-data",
        ])
        .args(["--allow-restricted-types", "--pin", &id, "--cert"])
        .arg(cert())
        .stdin(input)
        .finish()
}

#[test]
fn warnings_and_notes_are_json_too() {
    let scratch = Scratch::new();
    let run = with_cert(
        &scratch,
        ["create", "a", "-n=b", "--from-literal=x=y", "--format=json"],
    )
    .finish()
    .exits(0);
    assert_eq!(lines(&run)[0]["level"], "warning");
    let run = with_cert(&scratch, ["encrypt", "--format=json"])
        .stdin("a: 1\n")
        .finish()
        .exits(0);
    assert_eq!(lines(&run)[0]["level"], "note");
    scratch
        .seal(["completions", "bash", "--format=json"])
        .finish()
        .exits(0);
    let run = scratch
        .seal(["keys", "new", "-o=k.yaml", "--size=2048", "--format=json"])
        .finish()
        .exits(0);
    assert_eq!(lines(&run)[0]["file"], "k.yaml");
    let run = scratch
        .seal(["cert", "show", "--format=json"])
        .arg(keys::path("rsa-2048.crt"))
        .finish()
        .exits(0);
    assert!(serde_json::from_str::<Value>(run.out()).is_ok());
}

#[test]
fn a_place_is_given_to_the_character() {
    let run = with_cert(&Scratch::new(), ["encrypt", "--format=json"])
        .stdin(format!(
            "# ü\n---\n{}",
            SECRET.replace("stringData", "data")
        ))
        .finish();
    let problem = &lines(&run)[0];
    assert_eq!(problem["document"], 1);
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&9.into(), &13.into())
    );
    assert_eq!(problem["file"], "standard input");
    assert!(problem["hint"].is_string());
}

#[test]
fn names_from_outside_cannot_steer_a_terminal() {
    let scratch = Scratch::new();
    let name = "a\u{1b}[31m\u{202e}b.yaml";
    scratch.write(name, "a: [\n");
    let run = with_cert(&scratch, ["encrypt", name]).finish().exits(1);
    assert!(
        !run.err().contains(['\u{1b}', '\u{202e}']),
        "{:?}",
        run.err()
    );
    let input = SECRET.replace("name: db", "name: \"d\\e[31mb\"");
    let run = with_cert(&scratch, ["encrypt"])
        .stdin(input)
        .finish()
        .exits(1);
    assert!(!run.err().contains('\u{1b}'), "{:?}", run.err());
}
