//! Every kind of bad input: exactly one clear error with its place, nothing written, nothing lost, no value shown.

use seal_tests::{fault, run::Finished, scratch::Scratch};

use crate::samples::{
    MARKER, SECRET, cert, fails_once, key, nothing_leaked, sealed_secret, with_cert,
};

/// Checks that a file is refused with one error at this place, by standard output, `--output` and `--in-place` alike.
#[track_caller]
fn refused(content: impl AsRef<[u8]>, reason: &str, place: &str) {
    let scratch = Scratch::new();
    scratch.write("s.yaml", content.as_ref());
    let before = scratch.files();
    for flags in [&[][..], &["--in-place"]] {
        let run = with_cert(&scratch, ["encrypt", "s.yaml"])
            .args(flags)
            .finish();
        let run = fails_once(run, reason).says(&format!("error[{reason}]: s.yaml{place}"));
        assert_eq!(run.out(), "");
        assert_eq!(scratch.files(), before);
    }
    let run = with_cert(&scratch, ["encrypt", "s.yaml", "-o", "out.yaml"]).finish();
    fails_once(run, reason)
        .says(&format!("error[{reason}]: s.yaml{place}"))
        .says("warning: out.yaml: not written");
    assert_eq!(scratch.files(), before);
    nothing_leaked(&scratch, &["s.yaml"]);
}

#[test]
fn broken_yaml_and_json() {
    let at = |text: &str, place: &str| refused(text, "InvalidSyntax", place);
    at(
        &format!("{SECRET}  open: 'x\n"),
        ":9:1: document 1: a quoted value is not closed",
    );
    at(&format!("{SECRET} odd: x\n"), ":8:2: document 1: ");
    at(
        &SECRET.replace("stringData", "\tstringData"),
        ":5:14: document 1: a tab stands",
    );
    at(
        &format!("{SECRET}  password: {MARKER}\n"),
        ":8:3: document 1: the key stands twice",
    );
    at(
        &SECRET.replace("password: ", "password: *"),
        ":7:13: document 1: ",
    );
    at(&SECRET.replace("password: ", "password: !secret "), ":7:");
    at(
        &SECRET.replace("password: ", "password: @"),
        ":7:13: document 1: ",
    );
    at(
        &format!(r#"{{"apiVersion":"v1","kind":"Secret","stringData":{{"p":"{MARKER}"}}"#),
        ":1:",
    );
    at(
        &format!(r#"{{"apiVersion":"v1","kind":"Secret","stringData":{{"p":"{MARKER}}}}}"#),
        ":1:",
    );
}

#[test]
fn values_that_are_no_text_or_no_base64() {
    let at = |text: &str, place: &str| refused(text, "InvalidValue", place);
    at(
        &SECRET.replace("stringData", "data"),
        ":7:13: document 1: data.password is not base64",
    );
    at(
        &SECRET.replace(MARKER, "12345678901234567890"),
        ":7:13: document 1: stringData.password is a number",
    );
    at(
        &SECRET.replace(MARKER, "on"),
        ":7:13: document 1: stringData.password is true or false",
    );
    at(&SECRET.replace(MARKER, ""), ":7:");
    at(
        &SECRET.replace(MARKER, &format!("[{MARKER}]")),
        ":7:13: document 1: stringData.password is a sequence",
    );
    at(
        &SECRET.replace(MARKER, &format!("{{a: {MARKER}}}")),
        ":7:13: document 1: stringData.password is a mapping",
    );
    at(
        &SECRET.replace("password:", "7:"),
        ":7:3: document 1: a key in stringData is read as a number",
    );
    at(
        &SECRET.replace("name: db", "name: 5"),
        ":4:9: document 1: name is a number",
    );
    at(
        &format!("{SECRET}type: 5\n"),
        ":8:7: document 1: type is a number",
    );
    at(
        &format!("{SECRET}immutable: maybe\n"),
        ":8:12: document 1: immutable is not true or false",
    );
    at(
        &SECRET.replace("  name: db\n", "  name: db\n  labels: {a: 1}\n"),
        ":5:15: document 1: labels.a is a number",
    );
}

#[test]
fn objects_that_are_no_secrets() {
    let at = |text: &str, place: &str| refused(text, "InvalidObject", place);
    at(
        &SECRET.replace("stringData", "stringdata"),
        ":6:1: document 1: the Secret has a field",
    );
    at(
        &SECRET.replace("stringData:\n  password: ", "stringData: "),
        ":6:13: document 1: stringData is not a mapping",
    );
    at(
        &SECRET.replace("\n  name: db\n  namespace: prod", " x"),
        ":3:11: document 1: ",
    );
    let kind = |text: &str| refused(text, "WrongKind", ":1:1: document 1: ");
    kind(&SECRET.replace("kind: Secret", "kind: secret"));
    kind(&SECRET.replace("kind: Secret", "kind: Secrets"));
    kind(&SECRET.replace("apiVersion: v1", "apiVersion: v2"));
    kind(&SECRET.replace("apiVersion: v1\nkind: Secret\n", ""));
    for odd in ["'Secret '", "[Secret]", "{Secret: 1}", "SECRETS"] {
        kind(&SECRET.replace("kind: Secret", &format!("kind: {odd}")));
    }
    for odd in ["core/v1", "/v1", "v1/", "k8s.io/v1", "example.com/v1"] {
        kind(&SECRET.replace("apiVersion: v1", &format!("apiVersion: {odd}")));
    }
}

#[test]
fn data_that_does_not_say_what_it_is() {
    let unnamed = |more: &str| {
        let text = format!("{more}data:\n  p: bWFya2VyLTVmMGQyYjljNDE=\n");
        refused(text, "WrongKind", ":1:1: document 1: ");
    };
    unnamed("metadata: {name: db}\n");
    unnamed("apiVersion: v1\ntype: Opaque\n");
    for kind in ["List", "list", "secretlist"] {
        let list = format!("kind: {kind}\nitems:\n- data: {{p: eA==}}\n");
        refused(list, "WrongKind", ":3:3: document 1: an item");
    }
    let data = "data: {p: eA==}";
    for item in [
        format!("metadata: {{}}, {data}"),
        format!("metadata: {{labels: {{a: b}}}}, {data}"),
        format!("apiVersion: v1, {data}"),
        "apiVersion: x/v1, stringData: {p: x}".to_owned(),
    ] {
        refused(
            format!("items:\n- {{{item}}}\n"),
            "WrongKind",
            ":2:3: document 1: ",
        );
        refused(format!("- {{{item}}}\n"), "WrongKind", ":1:3: document 1: ");
    }
    let mapping = format!(
        "kind: List\nitems:\n  one:\n{}",
        SECRET.replace("  ", "      ").replace("\n", "\n    ")
    );
    let mapping = mapping.replace("apiVersion", "    apiVersion");
    refused(mapping.trim_end(), "WrongKind", ":3:3: document 1: items");
}

#[test]
fn data_that_does_not_say_what_it_is_beside_a_secret() {
    let secret = SECRET.replace('\n', "\n  ");
    for list in ["", "items:\n", "kind: Bundle\nitems:\n"] {
        let text = format!("{list}- {}\n- data: {{p: eA==}}\n", secret.trim_end());
        let run = with_cert(&Scratch::new(), ["encrypt"]).stdin(text).finish();
        let line = 8 + list.lines().count();
        let run = fails_once(run, "WrongKind").says(&format!(":{line}:3: document 1: an item"));
        assert!(run.out().contains("kind: SealedSecret"), "{}", run.out());
        assert!(!run.out().contains("eA=="), "{}", run.out());
    }
}

#[test]
fn missing_and_odd_names() {
    let at = |from: &str, to: &str, reason: &str| {
        refused(SECRET.replace(from, to), reason, ":1:1: document 1: ")
    };
    at("  namespace: prod\n", "", "MissingNamespace");
    at("namespace: prod", "namespace: ''", "MissingNamespace");
    at("name: db", "other: db", "MissingName");
    at("name: db", "name: Db", "InvalidName");
    at("namespace: prod", "namespace: pr.od", "InvalidName");
    for key in ["pass word", "..", &format!("{MARKER} x")] {
        let text = SECRET.replace("password:", &format!("'{key}':"));
        refused(
            text,
            "InvalidName",
            ":7:3: document 1: a key in stringData must be",
        );
    }
}

#[test]
fn nothing_in_it() {
    refused(
        SECRET.split("stringData").next().unwrap_or_default(),
        "EmptyData",
        ":1:1: document 1: ",
    );
    for empty in ["", "\n\n", "# only a comment\n", "---\n---\n"] {
        let run = with_cert(&Scratch::new(), ["encrypt"])
            .stdin(empty)
            .finish();
        fails_once(run, "NothingToDo").says("the input holds no document");
    }
}

#[test]
fn bytes_that_are_no_text() {
    let mut bytes = SECRET.as_bytes().to_vec();
    bytes.splice(SECRET.len() - 3.., [0xff, 0xfe, b'\n']);
    refused(&bytes, "InvalidEncoding", ":7:1: line 7 is not UTF-8");
    let utf16: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(&utf16[..utf16.len() - 1], "InvalidEncoding", ":");
}

#[test]
fn a_half_written_file() {
    refused(
        &SECRET[..SECRET.len() - 35],
        "InvalidObject",
        ":7:3: document 1: stringData is not a mapping",
    );
    let quoted = SECRET.replace("password: ", "password: \"");
    refused(&quoted[..quoted.len() - 5], "InvalidSyntax", ":7:13: ");
    let json = format!(r#"{{"apiVersion":"v1","kind":"Secret","stringData":{{"p":"{MARKER}"}}}}"#);
    for end in [10, json.len() / 2, json.len() - 1] {
        refused(&json[..end], "InvalidSyntax", ":1:");
    }
}

#[test]
fn too_much_of_it() {
    let line = format!("# {MARKER}\n");
    let large = SECRET.to_owned() + &line.repeat(200 * 1024 * 1024 / line.len());
    refused(&large, "TooLarge", ": is larger than 32 MiB");
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .stdin(large)
        .finish();
    fails_once(run, "TooLarge").says("standard input: is larger than 32 MiB");

    let many = SECRET.to_owned() + &"---\na: 1\n".repeat(100_000);
    refused(
        &many,
        "TooLarge",
        ": the input holds more than 50000 documents",
    );
    let deep = format!("{SECRET}deep: {}", "[".repeat(20_000));
    refused(&deep, "TooLarge", ":8:");
    let bomb: String = ('a'..='i')
        .zip('b'..='j')
        .map(|(one, next)| {
            format!(
                "  {next}: &{next} [{}]\n",
                vec![format!("*{one}"); 10].join(", ")
            )
        })
        .collect();
    refused(
        format!("{SECRET}x:\n  a: &a [{MARKER}]\n{bomb}"),
        "InvalidSyntax",
        ":",
    );
}

#[test]
fn a_million_values_are_refused() {
    let values = "1,".repeat(1_001_000);
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .stdin(format!("{{\"a\": [{values}1]}}"))
        .finish();
    fails_once(run, "TooLarge").says("document 1: the document holds more than 1000000 values");
}

#[test]
fn a_folder_where_a_file_belongs_and_a_missing_file() {
    let scratch = Scratch::new();
    scratch.write("folder/x.txt", MARKER);
    scratch.write("s.yaml", sealed_secret(&scratch));
    let check = |run: Finished, says: &str| fails_once(run, "Unreadable").says(says);
    let folder = "folder: is a folder, not a file";
    let missing = "nothere: cannot be read";
    let finish = |arguments: &[&str]| {
        with_cert(&scratch, ["set", "s.yaml"])
            .args(arguments)
            .finish()
    };
    check(finish(&["--from-file=a=folder"]), folder);
    check(finish(&["--from-env-file=nothere"]), missing);
    check(
        scratch.seal(["set", "folder", "--remove=a"]).finish(),
        folder,
    );
    check(
        scratch.seal(["unseal", "s.yaml", "--key=folder"]).finish(),
        folder,
    );
    check(
        scratch.seal(["unseal", "s.yaml", "--key=nothere"]).finish(),
        missing,
    );
    check(scratch.seal(["cert", "show", "folder"]).finish(), folder);
    check(scratch.seal(["cert", "show", "nothere"]).finish(), missing);
    check(scratch.seal(["inspect", "nothere"]).finish(), missing);
    check(
        scratch.seal(["--cert=folder"]).stdin(SECRET).finish(),
        "--cert names it",
    );
    check(
        scratch
            .seal(["encrypt"])
            .env("SEAL_CERT", "nothere")
            .stdin(SECRET)
            .finish(),
        "SEAL_CERT names it",
    );
    check(
        with_cert(&scratch, ["encrypt", "nothere"]).finish(),
        missing,
    );
    check(
        with_cert(
            &scratch,
            ["raw", "--scope=cluster-wide", "--from-file=folder"],
        )
        .finish(),
        folder,
    );
}

#[test]
fn a_socket_or_an_endless_device_where_a_file_belongs() {
    let scratch = Scratch::new();
    let path = scratch.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(path).expect("it can be made");
    for (file, reason, says) in [
        (
            "socket",
            "Unreadable",
            "cannot be read: it is a socket, not a file",
        ),
        ("/dev/zero", "TooLarge", "is larger than"),
    ] {
        let says = format!("{file}: {says}");
        for command in ["encrypt", "inspect", "cert show"] {
            let run = scratch.seal(command.split(' ')).arg(file);
            fails_once(run.env("SEAL_CERT", cert()).finish(), reason).says(&says);
        }
        let run = scratch.seal(["unseal", file, "--key"]).arg(key());
        fails_once(run.finish(), reason).says(&says);
    }
}

#[test]
fn an_empty_folder_has_nothing_to_do() {
    let scratch = Scratch::new();
    scratch.write("folder/notes.txt", MARKER);
    let run = with_cert(&scratch, ["encrypt", "folder"]).finish();
    fails_once(run, "NothingToDo");
    let run = scratch.seal(["inspect", "folder"]).finish();
    fails_once(run, "NothingToDo");
}

#[test]
fn a_pipe_that_never_ends_is_read_to_the_limit() {
    let scratch = Scratch::new();
    let path = scratch.path().join("pipe");
    fault::fifo(&path);
    let writer = std::thread::spawn(move || {
        let mut pipe = std::fs::File::options()
            .write(true)
            .open(path)
            .expect("the program reads it");
        let line = format!("# {MARKER}\n").repeat(1000);
        while std::io::Write::write_all(&mut pipe, line.as_bytes()).is_ok() {}
    });
    let run = with_cert(&scratch, ["encrypt", "pipe"]).finish();
    fails_once(run, "TooLarge").says("pipe: is larger than 32 MiB");
    writer.join().expect("the writer ends with its reader");
}

#[test]
fn bad_secrets_beside_values_for_other_commands() {
    let scratch = Scratch::new();
    for (content, reason) in [
        ("a: [", "InvalidSyntax"),
        ("\u{0}\u{0}", "InvalidSyntax"),
        (SECRET, "WrongKind"),
    ] {
        scratch.write("s.yaml", content);
        let run = scratch.seal(["set", "s.yaml", "--remove=a"]).finish();
        fails_once(run, reason).says("s.yaml");
    }
    nothing_leaked(&scratch, &["s.yaml"]);
}
