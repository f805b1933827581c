//! Every mode that needs no cluster, beside the real kubeseal.

use seal_tests::scratch::Scratch;
use serde_json::json;

use crate::samples::{
    EVERYTHING, MARKER, NO_NAMESPACE, alike, documents, opened, ours, prepared, theirs,
};

/// Both seal an input alike, in both formats: the same fields in the same order, and ours opens with theirs.
#[track_caller]
fn seals_alike(flags: &str, input: &str) {
    let scratch = prepared();
    for format in ["json", "yaml"] {
        let line = format!("--cert rsa-2048.crt {flags} --format {format}");
        let expected = theirs(&scratch, &line, input).exits(0);
        let run = ours(&scratch, &line, input).exits(0).never_shows(MARKER);
        assert_eq!(run.err(), "");
        let (expected, sealed) = (documents(expected.out()), documents(run.out()));
        assert_eq!(expected.len(), sealed.len());
        for (expected, sealed) in expected.into_iter().zip(sealed) {
            assert_eq!(opened(&scratch, &sealed), opened(&scratch, &expected));
            let texts = [expected, sealed].map(|object| alike(object).to_string());
            assert_eq!(texts[0], texts[1], "{line}");
        }
    }
}

/// Both fail alike: with the same code, and ours with all that theirs says.
#[track_caller]
fn fails_alike(scratch: &Scratch, line: &str, input: &str) {
    let expected = theirs(scratch, line, input);
    let run = ours(scratch, line, input).never_shows(MARKER);
    assert_eq!(run.code, expected.code, "{line}: {}", run.err());
    assert_eq!(run.out(), "", "{line}");
    assert!(run.err().starts_with("error:"), "{line}: {}", run.err());
    let message = expected.err().trim().trim_start_matches("error: ");
    assert!(
        run.err().contains(message),
        "{line}: {} / {message}",
        run.err()
    );
}

#[test]
fn a_secret_with_everything_becomes_the_same_object() {
    seals_alike("", EVERYTHING);
    for scope in ["namespace-wide", "cluster-wide"] {
        seals_alike(&format!("--scope {scope}"), EVERYTHING);
    }
}

#[test]
fn names_and_namespaces_are_filled_in_alike() {
    seals_alike("-n argns", NO_NAMESPACE);
    seals_alike("-n other -n namespace/argns --name other", NO_NAMESPACE);
    seals_alike("--scope cluster-wide", NO_NAMESPACE);
    seals_alike("--name renamed", EVERYTHING);
}

#[test]
fn annotations_of_the_input_decide_the_scope_alike() {
    for scope in ["namespace-wide", "cluster-wide"] {
        let annotation = format!("note: \"yes\"\n    sealedsecrets.bitnami.com/{scope}: \"true\"");
        seals_alike("", &EVERYTHING.replace("note: \"yes\"", &annotation));
    }
}

#[test]
fn an_object_that_says_nothing_of_its_kind_is_a_secret() {
    seals_alike(
        "-n prod",
        r#"{"metadata":{"name":"db"},"stringData":{"a":"b"}}"#,
    );
}

#[test]
fn a_stream_of_documents_and_empty_data_are_sealed_alike() {
    let two = format!("{EVERYTHING}---\n# nothing here\n---\n{NO_NAMESPACE}\n");
    seals_alike("-n prod", &two);
    seals_alike(
        "--allow-empty-data -n prod",
        r#"{"metadata":{"name":"db"}}"#,
    );
}

#[test]
fn a_namespace_comes_from_the_context_of_the_kubeconfig() {
    let scratch = prepared();
    scratch.write("kubeconfig", KUBECONFIG);
    for (flags, namespace) in [
        ("--kubeconfig gone --kubeconfig kubeconfig", "of-context"),
        ("--kubeconfig kubeconfig --context other", "default"),
        ("--kubeconfig kubeconfig -n argns", "argns"),
    ] {
        let line = format!("--cert rsa-2048.crt {flags}");
        for run in [
            ours(&scratch, &line, NO_NAMESPACE),
            theirs(&scratch, &line, NO_NAMESPACE),
        ] {
            let object = documents(run.exits(0).out()).remove(0);
            assert_eq!(object["metadata"]["namespace"], namespace, "{line}");
        }
    }
    let run = scratch.seal(["kubeseal", "--cert", "rsa-2048.crt"]);
    let run = run
        .env("KUBECONFIG", "gone:kubeconfig")
        .stdin(NO_NAMESPACE)
        .finish();
    let object = documents(run.exits(0).out()).remove(0);
    assert_eq!(object["metadata"]["namespace"], "of-context");
}

/// Nothing answers at its servers.
const KUBECONFIG: &str = "
apiVersion: v1
kind: Config
current-context: here
contexts:
- name: here
  context: {cluster: dead, user: nobody, namespace: of-context}
- name: other
  context: {cluster: dead, user: nobody}
clusters:
- name: dead
  cluster: {server: 'https://127.0.0.1:1'}
users:
- name: nobody
  user: {}
";

#[test]
fn a_raw_value_is_base64_without_a_line_break_and_fits_into_an_object() {
    let scratch = prepared();
    scratch.write("value", MARKER);
    for (flags, namespace, name) in [
        ("-n prod --name db --from-file value", "prod", "db"),
        ("-n prod --name db --from-file key=value", "prod", "db"),
        (
            "-n prod --scope namespace-wide --from-file value",
            "prod",
            "any",
        ),
        ("--scope cluster-wide --from-file value", "any", "any"),
    ] {
        let line = format!("--cert rsa-2048.crt --raw {flags}");
        let run = ours(&scratch, &line, "").exits(0).never_shows(MARKER);
        assert_eq!(
            theirs(&scratch, &line, "").exits(0).out().len(),
            run.out().len()
        );
        let scope = flags
            .split_whitespace()
            .skip_while(|word| *word != "--scope")
            .nth(1);
        let annotation = format!("sealedsecrets.bitnami.com/{}", scope.unwrap_or("strict"));
        let object = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"namespace": namespace, "name": name, "annotations": {annotation: "true"}},
            "spec": {"encryptedData": {"a": run.out()}, "template": {}},
        });
        assert_eq!(
            opened(&scratch, &object)["a"],
            "bWFya2VyLTVmMGQyYjljNDEtY29ycmVjdC1ob3JzZQ=="
        );
    }
    let line = "--cert rsa-2048.crt --raw --scope cluster-wide -w raw.txt";
    assert_eq!(ours(&scratch, line, "value").exits(0).out(), "");
    assert!(scratch.read("raw.txt").starts_with("AQ"));
}

#[test]
fn the_certificate_is_copied_byte_for_byte() {
    let scratch = prepared();
    let text = format!("a word before\n{}", scratch.read("expired.crt"));
    scratch.write("noted.crt", &text);
    let url = format!("file://{}/noted.crt", scratch.path().display());
    for cert in ["noted.crt", &url] {
        let line = format!("--fetch-cert --cert {cert}");
        assert_eq!(ours(&scratch, &line, "").exits(0).out(), text);
        assert_eq!(theirs(&scratch, &line, "").exits(0).out(), text);
    }
}

#[test]
fn a_file_is_written_in_the_format_of_its_name_and_only_in_full() {
    let scratch = prepared();
    scratch.write("in.yaml", EVERYTHING);
    let line =
        "--cert rsa-2048.crt --secret-file in.yaml --sealed-secret-file out.yaml --format json";
    assert_eq!(ours(&scratch, line, "").exits(0).out(), "");
    assert!(
        scratch
            .read("out.yaml")
            .starts_with("---\napiVersion: bitnami.com/v1alpha1\n")
    );
    let before = scratch.read("out.yaml");
    let second_fails = format!("{EVERYTHING}---\nkind: Secret\nmetadata: {{name: db}}\n");
    ours(&scratch, "--cert rsa-2048.crt -w out.yaml", &second_fails).exits(1);
    assert_eq!(scratch.read("out.yaml"), before);
}

#[test]
fn what_fails_fails_alike() {
    let scratch = prepared();
    scratch.write("kubeconfig", KUBECONFIG);
    for (line, input) in [
        ("--cert gone.crt", EVERYTHING),
        ("--cert expired.crt", EVERYTHING),
        ("--cert rsa-2048.key", EVERYTHING),
        ("--cert rsa-2048.crt -f gone.yaml", ""),
        ("--cert rsa-2048.crt -o xml", EVERYTHING),
        ("--cert rsa-2048.crt", ""),
        ("--cert rsa-2048.crt -n other", EVERYTHING),
        ("--cert rsa-2048.crt", NO_NAMESPACE),
        ("--cert rsa-2048.crt --kubeconfig gone", NO_NAMESPACE),
        (
            "--cert rsa-2048.crt -n a",
            r#"{"kind":"Secret","data":{"a":"YQ=="}}"#,
        ),
        (
            "--cert rsa-2048.crt -n a",
            r#"{"kind":"Secret","metadata":{"name":"a"}}"#,
        ),
        ("--cert rsa-2048.crt --from-file a", EVERYTHING),
        ("--cert rsa-2048.crt --raw", "a"),
        ("--cert rsa-2048.crt --raw --kubeconfig gone", "a"),
        ("--cert rsa-2048.crt --raw -n a", "a"),
        (
            "--cert rsa-2048.crt --raw -n a --name b --from-file gone",
            "",
        ),
        (
            "--cert rsa-2048.crt --raw -n a --name b --from-file a --from-file b",
            "",
        ),
        ("--cert rsa-2048.crt --merge-into gone.yaml", EVERYTHING),
        ("--kubeconfig gone", EVERYTHING),
        ("--kubeconfig gone --validate", EVERYTHING),
        ("--kubeconfig gone --re-encrypt", EVERYTHING),
        ("--kubeconfig kubeconfig --context gone --fetch-cert", ""),
        ("--fetch-cert", ""),
    ] {
        fails_alike(&scratch, line, input);
    }
}

#[test]
fn an_address_that_answers_no_certificate_is_named() {
    let scratch = prepared();
    let server = crate::samples::serve("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    fails_alike(&scratch, &format!("--cert {server}/cert.pem"), EVERYTHING);
}

#[test]
fn a_certificate_is_fetched_from_where_its_address_leads_on() {
    let scratch = prepared();
    let pem = scratch.read("rsa-2048.crt");
    let length = pem.len();
    let second = crate::samples::serve(&format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{pem}"
    ));
    let first = crate::samples::serve(&format!(
        "HTTP/1.1 302 Found\r\nlocation: {second}/cert.pem\r\ncontent-length: 0\r\n\r\n"
    ));
    let line = format!("--fetch-cert --cert {first}/cert.pem");
    assert_eq!(ours(&scratch, &line, "").exits(0).out(), pem);
    assert_eq!(theirs(&scratch, &line, "").exits(0).out(), pem);
}
