//! What sealing makes of a Secret: values, scopes, lists, and what must not travel.

use seal_tests::scratch::Scratch;
use serde_json::{Value, json};

use crate::samples::{
    MARKER, SECRET, cert, document, documents, fails_once, item, nothing_leaked, open, sealed,
    texts, values, with_cert,
};

/// A Secret with more metadata, as YAML.
fn with_metadata(metadata: &str) -> String {
    SECRET.replace(
        "  namespace: prod\n",
        &format!("  namespace: prod\n{metadata}"),
    )
}

#[test]
fn a_key_in_both_takes_string_data() {
    let input = format!("{SECRET}data:\n  password: b2xk\n  user: |\n    YWRt\n    aW4=\n");
    let run = sealed(&Scratch::new(), input);
    let expected = texts([("password", MARKER), ("user", "admin")]);
    assert_eq!(values(&document(run.out())), expected);
}

#[test]
fn what_belongs_to_one_cluster_does_not_travel() {
    let copy = format!(r#"{{"kind":"Secret","stringData":{{"password":"{MARKER}"}}}}"#);
    let metadata = format!(
        "  uid: 0e1e2a3c-0000-0000-0000-000000000000
  resourceVersion: \"7\"
  generation: 2
  creationTimestamp: \"2026-01-01T00:00:00Z\"
  selfLink: /x
  ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: o, uid: u}}]
  managedFields: [{{manager: kubectl, operation: Apply}}]
  finalizers: [example.com/keep]
  labels: {{app: db}}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{copy}'
    kubecfg.ksonnet.io/last-applied-configuration: '{copy}'
    seal.internal/items: stale
    example.com/keep: 'yes'
"
    );
    let input = format!(
        "{}type: example.com/own\nimmutable: true\n",
        with_metadata(&metadata)
    );
    let object = document(sealed(&Scratch::new(), input).out());
    let template = json!({
        "metadata": {
            "name": "db", "namespace": "prod", "finalizers": ["example.com/keep"], "labels": {"app": "db"},
            "annotations": {"example.com/keep": "yes"},
        },
        "type": "example.com/own", "immutable": true,
    });
    assert_eq!(object["spec"]["template"], template);
    let own: Vec<&String> = object["metadata"]
        .as_object()
        .expect("it is one")
        .keys()
        .collect();
    assert_eq!(own, ["annotations", "name", "namespace"]);
}

#[track_caller]
fn check_scope(annotation: &str, arguments: &[&str], expected: &[&str]) {
    let metadata = match annotation {
        "" => String::new(),
        name => format!("  annotations: {{sealedsecrets.bitnami.com/{name}: \"true\"}}\n"),
    };
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .args(arguments)
        .stdin(with_metadata(&metadata))
        .finish()
        .exits(0);
    let object = document(run.out());
    let annotations = &object["metadata"]["annotations"];
    let scopes = ["cluster-wide", "namespace-wide"];
    let set = scopes
        .into_iter()
        .filter(|scope| annotations[format!("sealedsecrets.bitnami.com/{scope}")] == "true");
    assert_eq!(set.collect::<Vec<_>>(), expected);
    assert_eq!(values(&object), texts([("password", MARKER)]));
    let mut moved = object;
    moved["metadata"]["name"] = json!("other");
    let opens = std::panic::catch_unwind(|| values(&moved)).is_ok();
    assert_eq!(
        opens,
        !expected.is_empty(),
        "only strict is bound to a name"
    );
}

#[test]
fn the_scope_comes_from_annotation_or_flag() {
    check_scope("", &[], &[]);
    check_scope("", &["--scope", "strict"], &[]);
    check_scope("", &["--scope", "namespace-wide"], &["namespace-wide"]);
    check_scope("", &["--scope", "cluster-wide"], &["cluster-wide"]);
    check_scope("namespace-wide", &[], &["namespace-wide"]);
    check_scope("cluster-wide", &["--scope=cluster-wide"], &["cluster-wide"]);
}

#[test]
fn name_and_namespace_are_filled_in_from_flags() {
    let bare = format!("apiVersion: v1\nkind: Secret\nstringData:\n  p: {MARKER}\n");
    let run = with_cert(&Scratch::new(), ["encrypt", "--name=db", "-n", "prod"])
        .stdin(bare)
        .finish()
        .exits(0);
    let object = document(run.out());
    assert_eq!(object["metadata"]["namespace"], "prod");
    assert_eq!(object["spec"]["template"]["metadata"]["name"], "db");
    assert_eq!(values(&object), texts([("p", MARKER)]));
}

#[test]
fn cluster_wide_needs_no_namespace() {
    let run = with_cert(&Scratch::new(), ["encrypt", "--scope=cluster-wide"])
        .stdin(SECRET.replace("  namespace: prod\n", ""))
        .finish()
        .exits(0);
    let object = document(run.out());
    assert_eq!(object["metadata"]["namespace"], Value::Null);
    assert_eq!(values(&object), texts([("password", MARKER)]));
}

#[test]
fn secrets_in_a_list_are_sealed_and_its_other_items_stay() {
    let other = "- apiVersion: v1   # stays\n  kind: ConfigMap\n  metadata: {name: c}\n";
    let input = format!(
        "apiVersion: v1\nkind: List\nitems:\n{}{other}{}",
        item(SECRET),
        item(&SECRET.replace("name: db", "name: cache"))
    );
    let run = sealed(&Scratch::new(), input);
    assert!(run.out().contains(other), "{}", run.out());
    let list = document(run.out());
    assert_eq!(list["items"][0]["kind"], "SealedSecret");
    assert_eq!(values(&list["items"][2]), texts([("password", MARKER)]));
}

#[test]
fn a_secret_list_becomes_a_list() {
    let bare = SECRET.replace("apiVersion: v1\nkind: Secret\n", "");
    let input = format!(
        "apiVersion: v1\nkind: SecretList\nitems:\n{}{}",
        item(&bare),
        item(&SECRET.replace("name: db", "name: cache"))
    );
    let list = document(sealed(&Scratch::new(), input).out());
    assert_eq!(
        (&list["apiVersion"], &list["kind"]),
        (&json!("v1"), &json!("List"))
    );
    for object in list["items"].as_array().expect("it is a list") {
        assert_eq!(values(object), texts([("password", MARKER)]));
    }
}

#[test]
fn lists_in_json_and_lists_in_lists_are_looked_into() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod"},
        "stringData": {"p": MARKER}});
    let inner =
        json!({"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": [secret]});
    let outer = json!({"apiVersion": "v1", "kind": "List", "items": [{"a": 1}, inner]});
    let run = sealed(&Scratch::new(), format!("{outer:#}\n"));
    let outer: Value = serde_json::from_str(run.out()).expect("it stays JSON");
    let inner = &outer["items"][1];
    assert_eq!(inner["kind"], "List");
    assert_eq!(values(&inner["items"][0]), texts([("p", MARKER)]));
}

#[test]
fn a_plain_sequence_is_looked_into() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod"},
        "stringData": {"p": MARKER}});
    let run = sealed(&Scratch::new(), format!("[{secret}, 5]"));
    let all: Value = serde_json::from_str(run.out()).expect("it stays JSON");
    assert_eq!(values(&all[0]), texts([("p", MARKER)]));
    assert_eq!(all[1], 5);
    let run = sealed(&Scratch::new(), item(SECRET));
    assert_eq!(
        values(&document(run.out())[0]),
        texts([("password", MARKER)])
    );
}

#[test]
fn secrets_in_lists_of_any_spelling_are_sealed() {
    let item = SECRET.trim_end().replace('\n', "\n  ");
    for start in [
        "",
        "items:\n",
        "kind: list\nitems:\n",
        "apiVersion: v1\nkind: FooList\nitems:\n",
        "apiVersion: example.com/v1\nkind: Foo\nitems:\n",
    ] {
        let run = sealed(&Scratch::new(), format!("{start}- {item}\n"));
        let object = document(run.out());
        let items = if start.is_empty() {
            &object
        } else {
            &object["items"]
        };
        assert_eq!(values(&items[0]), texts([("password", MARKER)]), "{start}");
    }
}

#[test]
fn a_secret_within_another_object_is_warned_about() {
    let lines: Vec<&str> = SECRET.lines().collect();
    let input = format!(
        "apiVersion: example.com/v1\nkind: Template\nobjects:\n- {}\n",
        lines.join("\n  ")
    );
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .stdin(input.clone())
        .finish()
        .exits(0)
        .says("warning: standard input:4:3: document 1: a Secret within another object");
    assert_eq!(run.out(), input);
}

#[test]
fn anchors_and_merge_keys_within_a_secret_are_no_hindrance() {
    let input = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData:\n  \
        a: &x one\n  b: *x\n  <<: {c: three}\n";
    let object = document(sealed(&Scratch::new(), input).out());
    assert_eq!(
        values(&object),
        texts([("a", "one"), ("b", "one"), ("c", "three")])
    );
}

#[test]
fn binary_values_and_odd_texts_arrive_as_they_are() {
    let input = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\ndata: {a: AP8K, b: ''}\n\
        stringData: {c: \"\\u00e9\\n\\0\", d: '1_000', e: \"on\"}\n";
    let object = document(sealed(&Scratch::new(), input).out());
    let secret = open(&object);
    assert_eq!(secret.data["a"].as_bytes(), b"\x00\xff\n");
    assert_eq!(secret.data["b"].as_bytes(), b"");
    assert_eq!(secret.data["c"].as_bytes(), "é\n\0".as_bytes());
    assert_eq!(secret.data["d"].as_bytes(), b"1_000");
    assert_eq!(secret.data["e"].as_bytes(), b"on");
}

#[test]
fn a_secret_that_fails_is_left_out_and_the_others_are_sealed() {
    let bad = SECRET
        .replace("name: db", "name: Bad")
        .replace("stringData", "data");
    let input = format!("a: 1\n---\n{SECRET}---\n# next {MARKER}\n{bad}---\nb: 2\n");
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .stdin(input)
        .finish();
    let run = fails_once(run, "InvalidValue").says("standard input:18:13: document 3");
    let all = documents(run.out());
    assert_eq!(all.len(), 3, "{}", run.out());
    assert_eq!(values(&all[1]), texts([("password", MARKER)]));
    assert_eq!(all[2]["b"], 2);
}

#[test]
fn a_broken_document_hides_no_other() {
    let input = format!("a: [\n---\n{SECRET}---\nb: {{\n");
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .stdin(input)
        .finish()
        .exits(1)
        .never_shows(MARKER);
    assert_eq!(run.err().matches("error[InvalidSyntax]").count(), 2);
    assert_eq!(values(&document(run.out())), texts([("password", MARKER)]));
}

#[test]
fn output_is_written_only_when_everything_could_be_sealed() {
    let scratch = Scratch::new();
    scratch.write("good.yaml", SECRET);
    scratch.write("bad.yaml", SECRET.replace("  namespace: prod\n", ""));
    scratch.write("out.yaml", "before");
    let run = with_cert(
        &scratch,
        ["encrypt", "good.yaml", "bad.yaml", "-o", "out.yaml"],
    )
    .finish()
    .exits(1)
    .says("error[MissingNamespace]: bad.yaml:1:1")
    .says("out.yaml: not written, because of the errors above")
    .never_shows(MARKER);
    assert_eq!(run.out(), "");
    assert_eq!(scratch.read("out.yaml"), "before");

    with_cert(&scratch, ["encrypt", "good.yaml", "--output=out.yaml"])
        .finish()
        .exits(0);
    assert_eq!(
        values(&document(&scratch.read("out.yaml"))),
        texts([("password", MARKER)])
    );
    nothing_leaked(&scratch, &["good.yaml", "bad.yaml"]);
}

#[test]
fn types_that_kubernetes_acts_on_need_a_flag() {
    let input = format!("{SECRET}type: kubernetes.io/service-account-token\n");
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .stdin(input.clone())
        .finish();
    fails_once(run, "TypeNotAllowed").says("--allow-restricted-types");
    let run = with_cert(&Scratch::new(), ["encrypt", "--allow-restricted-types"])
        .stdin(input)
        .finish()
        .exits(0);
    assert_eq!(
        document(run.out())["spec"]["template"]["type"],
        "kubernetes.io/service-account-token"
    );
}

#[test]
fn an_empty_secret_needs_a_flag() {
    let empty = SECRET
        .split("stringData")
        .next()
        .expect("it has a first part");
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .stdin(empty)
        .finish();
    fails_once(run, "EmptyData").says("--allow-empty-data");
    let run = with_cert(&Scratch::new(), ["encrypt", "--allow-empty-data"])
        .stdin(empty)
        .finish()
        .exits(0);
    assert_eq!(document(run.out())["spec"]["encryptedData"], json!({}));
}

#[track_caller]
fn leak_is_refused(input: String) {
    let run = with_cert(&Scratch::new(), ["encrypt"])
        .stdin(input)
        .finish();
    let run = fails_once(run, "PlaintextInMetadata");
    assert_eq!(run.out(), "");
}

#[test]
fn cleartext_beside_the_values_is_refused() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let encoded = STANDARD.encode(MARKER);
    leak_is_refused(with_metadata(&format!(
        "  annotations: {{note: 'was {MARKER}'}}\n"
    )));
    leak_is_refused(with_metadata(&format!(
        "  annotations: {{note: '{encoded}'}}\n"
    )));
    leak_is_refused(with_metadata(&format!("  labels: {{note: {MARKER}}}\n")));
    leak_is_refused(format!("# {MARKER}\n{SECRET}"));
    leak_is_refused(format!("# {encoded}\n---\n{SECRET}"));
    leak_is_refused(format!("--- # {MARKER}\n{SECRET}"));
    leak_is_refused(format!("{SECRET}# was {MARKER}\n"));
    leak_is_refused(format!("\u{feff}# {MARKER}\n{SECRET}"));
    leak_is_refused(format!("# one\n---\n# {MARKER}\n{SECRET}").replace('\n', "\r"));
    leak_is_refused(format!("{SECRET}...\n# {MARKER}\n"));
    leak_is_refused(format!(
        "apiVersion: v1\nkind: List\nitems:\n# {MARKER}\n{}",
        item(SECRET)
    ));
}

#[test]
fn a_comment_that_leaks_is_named_by_its_line() {
    let input = format!("a: 1\n---\n# one\n# {MARKER}\n{SECRET}");
    for line_break in ["\n", "\r\n", "\r"] {
        let run = with_cert(&Scratch::new(), ["encrypt"])
            .stdin(input.replace('\n', line_break))
            .finish();
        fails_once(run, "PlaintextInMetadata").says("standard input:4: document 2: the comment");
    }
}

#[test]
fn a_document_of_comments_behind_a_secret_may_not_hold_its_value_either() {
    let neighbour = "---\na: 1\n";
    for secrets in [
        SECRET.to_owned(),
        format!("{SECRET}---\n# {MARKER}\n---\n{SECRET}"),
    ] {
        let run = with_cert(&Scratch::new(), ["encrypt"])
            .stdin(format!("{secrets}---\n# {MARKER}\n{neighbour}"))
            .finish()
            .exits(1)
            .never_shows(MARKER)
            .says("error[PlaintextInMetadata]");
        assert_eq!(run.out(), neighbour);
    }
}

#[test]
fn a_comment_within_a_secret_goes_with_it() {
    let input = SECRET.replace("  password", &format!("  # {MARKER}\n  password"));
    sealed(&Scratch::new(), input);
}

#[test]
fn what_is_seldom_meant_is_said() {
    let input = format!(
        "{SECRET}  empty: ''\n  line: \"x\\n\"\n  mark: \"\\uFEFFx\"\n  twice: Y29ycmVjdCBob3JzZQ==\ntype: kubernetes.io/tls\n"
    );
    sealed(&Scratch::new(), input)
        .says("warning: standard input:1:1: document 1: the value of empty is empty")
        .says("the value of line ends with a line break")
        .says("the value of mark begins with a byte order mark")
        .says("the value of twice is itself base64 of a text")
        .says("the API server will refuse this Secret: type kubernetes.io/tls needs tls.crt");
}

#[test]
fn item_lines_too_large_for_kubectl_are_left_out() {
    let items: String = (1000..1400)
        .map(|number| format!("  {}{number}: x\n", "k".repeat(249)))
        .collect();
    let run = sealed(&Scratch::new(), format!("{SECRET}{items}"));
    let object = document(run.out());
    assert_eq!(object["metadata"]["annotations"], Value::Null);
    run.says("the item lines are left out");
}

#[test]
fn sealing_again_gives_other_bytes_and_sealed_secrets_pass() {
    let scratch = Scratch::new();
    let once = sealed(&scratch, SECRET);
    assert_ne!(once.stdout, sealed(&scratch, SECRET).stdout);
    let again = sealed(&scratch, once.stdout.clone());
    assert_eq!(again.stdout, once.stdout);
}

#[test]
fn environment_variables_stand_for_flags() {
    let bare = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData:\n  p: {MARKER}\n"
    );
    for prefix in ["SEAL", "SEALED_SECRETS"] {
        let run = Scratch::new()
            .seal([] as [&str; 0])
            .env(format!("{prefix}_CERT"), cert())
            .env(format!("{prefix}_NAMESPACE"), "prod")
            .env(format!("{prefix}_SCOPE"), "namespace-wide")
            .stdin(bare.clone())
            .finish()
            .exits(0);
        let object = document(run.out());
        assert_eq!(object["metadata"]["namespace"], "prod");
        assert_eq!(values(&object), texts([("p", MARKER)]));
    }
}
