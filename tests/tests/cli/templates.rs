//! Templates: rendered for those who write them, and told where they are wrong before they are committed.

use seal_tests::{run::Finished, scratch::Scratch};
use serde_json::{Value, json};

use crate::samples::{MARKER, documents, key, sealed_secret, with_cert};

const TEXT: &str =
    "[db]\nuser = {{ .user | default \"app\" }}\npassword = {{ .password | quote }}\n";

/// The sealed Secret with these texts in its template.
fn with_texts(scratch: &Scratch, texts: Value) -> String {
    let mut object = documents(&sealed_secret(scratch)).remove(0);
    object["spec"]["template"]["data"] = texts;
    let yaml = seal_manifest::write::yaml(&object).expect("it can be written");
    yaml.to_string()
}

fn render(scratch: &Scratch, text: &str, arguments: &[&str]) -> Finished {
    scratch
        .seal(["render", "-"])
        .args(arguments)
        .stdin(text)
        .finish()
}

#[test]
fn with_a_key_templates_are_rendered_with_what_was_sealed() {
    let scratch = Scratch::new();
    let text = with_texts(&scratch, json!({"db.ini": TEXT}));
    let key = key();
    let key = key.to_str().expect("it is a text");
    let run = render(&scratch, &text, &["--key", key]).exits(0);
    let expected = format!("[db]\nuser = app\npassword = \"{MARKER}\"\n");
    let secret = documents(run.out()).remove(0);
    assert_eq!(secret["stringData"]["db.ini"], expected);
    assert_eq!(secret["stringData"]["password"], MARKER);
    let run = render(&scratch, &text, &["--key", key, "--item", "db.ini"]).exits(0);
    assert_eq!(run.out(), expected);
    // What the controller would make of it.
    let run = scratch
        .seal(["unseal", "-", "--key", key])
        .stdin(text)
        .finish()
        .exits(0);
    assert!(documents(run.out())[0]["data"]["db.ini"].is_string());
}

#[test]
fn with_values_no_key_is_needed_and_what_has_none_shows_where_it_went() {
    let scratch = Scratch::new();
    let text = with_texts(&scratch, json!({"db.ini": TEXT, "user": "alice"}));
    scratch.write("values.yaml", "password: stand-in\nother: x\n");
    let run = render(
        &scratch,
        &text,
        &["--values", "values.yaml", "--item", "db.ini"],
    )
    .exits(0);
    assert_eq!(run.out(), "[db]\nuser = alice\npassword = \"stand-in\"\n");
    scratch.write("none.yaml", "");
    let run = render(&scratch, &text, &["--values", "none.yaml"]).exits(0);
    let secret = documents(run.out()).remove(0);
    assert_eq!(
        secret["stringData"]["db.ini"],
        "[db]\nuser = alice\npassword = \"<password>\"\n"
    );
    assert_eq!(secret["metadata"]["name"], "db");
}

#[test]
fn random_functions_and_the_clock_are_rendered_only_with_a_flag() {
    let scratch = Scratch::new();
    let token = "{{ .password }}-{{ randAlphaNum 20 }}-{{ now | unixEpoch }}";
    let text = with_texts(&scratch, json!({"token": token}));
    scratch.write("values.yaml", "password: stand-in\n");
    let values = ["--values", "values.yaml", "--item", "token"];
    render(&scratch, &text, &values)
        .exits(1)
        .says("TemplateFunctionMissing");
    let allowed = [&values[..], &["--allow-random-functions"]].concat();
    let run = render(&scratch, &text, &allowed).exits(0);
    let parts: Vec<&str> = run.out().rsplitn(3, '-').collect();
    assert!(
        parts[0]
            .parse::<u64>()
            .is_ok_and(|time| time > 1_700_000_000)
    );
    assert_eq!((parts[1].len(), parts[2]), (20, "stand-in"));

    let key = key();
    let key = key.to_str().expect("it is a text");
    let unseal = |flags: &[&str]| {
        let unseal = scratch.seal(["unseal", "-", "--key", key]).args(flags);
        unseal.stdin(text.as_str()).finish()
    };
    unseal(&[]).exits(1).says("TemplateFunctionMissing");
    let run = unseal(&["--allow-random-functions"]).exits(0);
    assert!(documents(run.out())[0]["data"]["token"].is_string());
}

#[test]
fn what_cannot_be_rendered_is_told_with_its_place_and_hides_no_other() {
    let scratch = Scratch::new();
    let broken = with_texts(&scratch, json!({"a": "x\n{{ fail .password }}"}));
    let text = format!(
        "{broken}---\n{}",
        with_texts(&scratch, json!({"a": "fine"}))
    );
    let key = key();
    let run = render(
        &scratch,
        &text,
        &["--key", key.to_str().expect("it is a text")],
    )
    .exits(1);
    assert!(
        run.err().contains(
            "error[TemplateFailed]: standard input:1:1: document 1: the template is wrong at 2:4: fail: the template gave up (a)"
        ),
        "{}",
        run.err()
    );
    assert!(!run.err().contains(MARKER));
    assert_eq!(documents(run.out()).len(), 1);
}

#[test]
fn what_makes_more_than_fits_into_a_secret_is_told_also_to_machines() {
    let scratch = Scratch::new();
    let text = with_texts(&scratch, json!({"a": "{{ repeat 100000 .password }}"}));
    scratch.write("values.yaml", "password: 0123456789-0123456789\n");
    let arguments = ["--format", "json", "--values", "values.yaml"];
    let run = render(&scratch, &text, &arguments).exits(1);
    let told: Value = serde_json::from_str(run.err()).expect("it is JSON");
    assert_eq!(told["reason"], "TemplateTooCostly");
    assert_eq!(
        told["message"],
        "the template is wrong at 1:4: the result is longer than 1048576 bytes (a)"
    );
}

#[test]
fn keys_that_cannot_be_read_are_all_that_is_told_of() {
    let scratch = Scratch::new();
    let text = with_texts(&scratch, json!({"a": "x"}));
    scratch.write("broken.pem", "no key");
    let run = render(&scratch, &text, &["--key", "broken.pem"]).exits(1);
    assert_eq!(run.err().matches("error[").count(), 1, "{}", run.err());
    assert!(run.err().contains("broken.pem"), "{}", run.err());
}

#[test]
fn values_that_are_no_mapping_of_texts_and_items_that_are_not_there_are_errors() {
    let scratch = Scratch::new();
    let text = with_texts(&scratch, json!({"a": "x"}));
    for (values, says) in [
        ("[a]\n", "the values are no mapping"),
        (
            "port: 5432\n",
            "values.yaml:1:7: document 1: a value is not a string; put it in quotes",
        ),
        ("a: [", "error[InvalidSyntax]"),
    ] {
        scratch.write("values.yaml", values);
        let run = render(&scratch, &text, &["--values", "values.yaml"]).exits(1);
        assert!(run.err().contains(says), "{}", run.err());
        assert_eq!(run.out(), "");
    }
    scratch.write("values.yaml", "");
    let absent = ["--values", "values.yaml", "--item", "absent"];
    let run = render(&scratch, &text, &absent).exits(1);
    assert!(
        run.err().contains("no Secret has an item absent"),
        "{}",
        run.err()
    );
    let twice = format!("{text}---\n{text}");
    let run = render(
        &scratch,
        &twice,
        &["--values", "values.yaml", "--item", "a"],
    )
    .exits(1);
    assert!(
        run.err().contains("several Secrets have an item a"),
        "{}",
        run.err()
    );
    render(&scratch, "kind: ConfigMap\n", &["--values", "values.yaml"]).exits(1);
    render(&scratch, &text, &[]).exits(2);
}

const WRONG: &str = "first: 1\nurl: {{ .password | nosuch }}\n";

#[test]
fn a_template_that_is_wrong_is_shown_by_inspect_with_its_line() {
    let scratch = Scratch::new();
    let text = with_texts(&scratch, json!({"url": WRONG}));
    let run = scratch
        .seal(["inspect"])
        .stdin(text.clone())
        .finish()
        .exits(3);
    assert!(
        run.out().contains("[TemplateInvalid] url: the template is wrong at 2:21: nosuch: there is no such function"),
        "{}",
        run.out()
    );
    assert!(
        run.out().contains("2 | url: {{ .password | nosuch }}\n"),
        "{}",
        run.out()
    );
    let json = scratch
        .seal(["inspect", "--format", "json"])
        .stdin(text)
        .finish()
        .exits(3);
    let shown: Value = serde_json::from_str(json.out()).expect("it is JSON");
    let excerpt = "2 | url: {{ .password | nosuch }}\n  |                     ^";
    assert_eq!(shown["problems"][0]["excerpt"], excerpt);
}

#[test]
fn encrypt_tells_of_wrong_templates_in_what_is_sealed_already_and_seals_the_rest() {
    let scratch = Scratch::new();
    let text = with_texts(&scratch, json!({"url": WRONG}));
    let input = format!("{text}---\n{}", crate::samples::SECRET);
    let run = with_cert(&scratch, ["encrypt"])
        .stdin(input)
        .finish()
        .exits(1);
    assert!(
        run.err()
            .contains("error[TemplateInvalid]: standard input:")
            && run
                .err()
                .contains("url: the template is wrong at 2:21: nosuch")
            && run
                .err()
                .contains("\n  2 | url: {{ .password | nosuch }}\n"),
        "{}",
        run.err()
    );
    assert!(run.out().starts_with(&text));
    assert_eq!(documents(run.out()).len(), 2);
}
