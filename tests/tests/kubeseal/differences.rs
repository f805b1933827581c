//! Where the personality differs from kubeseal on purpose: `docs/migration.md` says why.

use crate::samples::{EVERYTHING, MARKER, documents, opened, ours, prepared};

#[track_caller]
fn refused(input: &str, says: &str) {
    let run = ours(&prepared(), "--cert rsa-2048.crt -n prod", input)
        .exits(1)
        .never_shows(MARKER);
    assert_eq!(run.out(), "");
    assert!(run.err().starts_with("error:"), "{}", run.err());
    let _ = run.says(says);
}

#[test]
fn a_broken_document_is_an_error_and_no_document_is_dropped() {
    refused(
        &format!("{EVERYTHING}---\na: [\n---\n{EVERYTHING}"),
        "document 2",
    );
    refused(
        "{\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\"},\"data\":{\"a\":\"YQ==\"}}\n{}}",
        "standard input",
    );
    refused("a: b\n", "a field that Secrets do not have");
}

#[test]
fn an_input_that_cannot_be_read_ends_at_once() {
    let run = ours(&prepared(), "--cert rsa-2048.crt -f .", "").exits(1);
    let _ = run.says("Could not read file specified with --secret-file");
}

#[test]
fn no_scalar_is_spelt_in_another_way() {
    refused(
        "kind: Secret\nmetadata: {name: a}\nstringData: {a: yes}\n",
        "stringData.a is true or false, not a string",
    );
    refused(
        "kind: Secret\nmetadata: {name: a}\nstringData: {a: 0123456}\n",
        "stringData.a is a number, not a string",
    );
    refused(
        "kind: Secret\nmetadata: {name: a}\nstringData: {a: b, a: c}\n",
        "error:",
    );
}

#[test]
fn a_value_in_an_annotation_is_not_committed() {
    let leaking = EVERYTHING.replace("note: \"yes\"", &format!("note: {MARKER}"));
    refused(&leaking, "holds a value of the Secret in cleartext");
}

#[test]
fn another_kind_is_not_taken_for_a_secret_and_a_list_is_unpacked() {
    refused(
        "kind: ConfigMap\nmetadata: {name: a}\ndata: {a: YQ==}\n",
        "is no Secret",
    );
    let scratch = prepared();
    let secret = EVERYTHING.trim().replace('\n', "\n  ");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {secret}\n- {secret}\n");
    let run = ours(&scratch, "--cert rsa-2048.crt -o yaml", &list).exits(0);
    assert_eq!(documents(run.out()).len(), 2);
}

#[test]
fn the_scope_strict_counts_when_it_is_asked_for() {
    let scratch = prepared();
    let wide = EVERYTHING.replace(
        "note: \"yes\"",
        "sealedsecrets.bitnami.com/cluster-wide: \"true\"",
    );
    let run = ours(&scratch, "--cert rsa-2048.crt --scope strict", &wide).exits(0);
    let sealed = documents(run.out()).remove(0);
    assert!(!run.out().contains("cluster-wide"), "{}", run.out());
    assert_eq!(opened(&scratch, &sealed)["username"], "YWRtaW4=");
}

#[test]
fn nothing_at_all_is_not_validated_in_silence() {
    let scratch = prepared();
    let kubeconfig = "apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\n\
        contexts: [{name: a, context: {cluster: a, user: a}}]\ncurrent-context: a\n";
    scratch.write("kubeconfig", kubeconfig);
    let run = ours(&scratch, "--kubeconfig kubeconfig --validate", "").exits(1);
    let _ = run.says("no sealed secrets found");
    // The way to the cluster is explained.
    let sealed = ours(&scratch, "--cert rsa-2048.crt", EVERYTHING).exits(0);
    let run = ours(&scratch, "--kubeconfig kubeconfig --validate", sealed.out()).exits(1);
    let _ = run.says("cannot be reached");
}
