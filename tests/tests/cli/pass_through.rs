//! What is not a Secret passes through byte for byte, and a Secret's neighbours keep their bytes.

use seal_tests::scratch::Scratch;

use crate::samples::{MARKER, SECRET, cert, document, documents, sealed, texts, values, with_cert};

/// Checks that a text without a Secret comes out as it went in.
#[track_caller]
fn passes(input: impl AsRef<[u8]>) {
    let run = sealed(&Scratch::new(), input.as_ref());
    assert_eq!(
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(input.as_ref())
    );
    run.says("no Secret found");
}

/// Checks that everything around the Secret in the middle keeps its bytes.
#[track_caller]
fn frames(before: &str, after: &str) {
    let run = sealed(&Scratch::new(), format!("{before}{SECRET}{after}"));
    let out = run.out();
    assert!(out.starts_with(before), "{out}");
    assert!(out.ends_with(after), "{out}");
    assert!(out.contains("kind: SealedSecret"), "{out}");
}

#[test]
fn yaml_of_every_style_passes() {
    passes("# only a comment at the top\na:   1   # two\nb: [ x,y ]\n");
    passes("a: |\n  text\n\n  more\nb: >-\n  folded\n");
    passes("a: 1");
    passes("a: 1\r\nb: 2\r\n");
    passes("\u{feff}a: 1\n");
    passes("--- {a: 1}\n--- # c\nb: 2\n...\n");
    passes("%YAML 1.2\n---\na: 1\n...\n# the end\n");
    passes("\n\n---\n\n---\na: 1\n---\n");
    passes("a: &x 1\nb: *x\nc: {<<: {d: 1}}\n");
}

#[test]
fn what_only_sounds_like_a_secret_passes() {
    passes("apiVersion: example.com/v1\nkind: Secret\nspec: {name: x}\n");
    passes("apiVersion: v1\nkind: ConfigMapList\nitems:\n- data: {a: b}\n");
    passes("items: {a: {b: 1}}\ndata: {a: 1}\n");
    passes("- data: {a: b}\n- name: x\n");
    passes("items:\n- data: {a: b}\n");
    passes("kind: Bundle\nitems:\n- {metadata: {labels: {a: b}}, data: {a: b}}\n");
    passes("metadata: {labels: {a: b}}\ndata: {a: b}\n");
    passes("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n");
}

#[test]
fn json_keeps_its_formatting() {
    passes("{\"a\":1,\n\t\"b\" : [ ]}");
    passes("{\"a\": 1}\n{\"b\": 2}\n");
}

#[test]
fn neighbours_of_a_secret_keep_their_bytes() {
    frames("# top\na:  1 # x\n---\n", "---\nb: 'x'   # y\n");
    frames("--- # marked\n# about the Secret\n", "");
    frames("--- {a: 1}\n---\n", "...\n# after\n---\nb: 2");
    frames("\u{feff}---\n", "---\n");
}

#[test]
fn a_secret_on_the_marker_line_is_sealed() {
    let input = format!(
        "a: 1\n--- {{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: prod}}, stringData: {{p: {MARKER}}}}}\n--- [b]\n"
    );
    let run = sealed(&Scratch::new(), input);
    let all = documents(run.out());
    assert_eq!(all.len(), 3);
    assert_eq!(values(&all[1]), texts([("p", MARKER)]));
    assert!(run.out().ends_with("--- [b]\n"));
}

#[test]
fn windows_line_endings_stay() {
    let input = format!("a: 1\n---\n{SECRET}---\nb: 2\n").replace('\n', "\r\n");
    let run = sealed(&Scratch::new(), input);
    let lone = run.out().replace("\r\n", "");
    assert!(
        !lone.contains('\n'),
        "a line ends without a carriage return"
    );
    assert_eq!(documents(run.out()).len(), 3);
}

#[test]
fn json_secrets_become_json() {
    let input = format!(
        "{{\n  \"a\": 1\n}}\n{{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{{\"name\":\"db\",\"namespace\":\"prod\"}},\
         \"stringData\":{{\"p\":\"{MARKER}\"}}}}\n"
    );
    let run = sealed(&Scratch::new(), input);
    assert!(run.out().starts_with("{\n  \"a\": 1\n}\n{"));
    let objects: Vec<serde_json::Value> = serde_json::Deserializer::from_str(run.out())
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("the output is JSON");
    assert_eq!(values(&objects[1]), texts([("p", MARKER)]));
}

#[test]
fn utf16_comes_out_as_utf8_and_that_is_said() {
    let text = SECRET.replace("password:", "passwort: # für 😀\n   ");
    for order in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{text}---\nb: é😀\n");
            let bytes: Vec<u8> = text.encode_utf16().flat_map(order).collect();
            let run = sealed(&Scratch::new(), bytes).says("UTF-16; the output is UTF-8");
            assert!(run.out().ends_with("---\nb: é😀\n"));
            assert_eq!(
                values(&documents(run.out())[0]),
                texts([("passwort", MARKER)])
            );
        }
    }
}

#[test]
fn a_utf8_byte_order_mark_stays_where_it_was() {
    let run = sealed(&Scratch::new(), format!("\u{feff}{SECRET}"));
    assert!(run.out().starts_with("\u{feff}apiVersion"));
    assert_eq!(values(&document(run.out())), texts([("password", MARKER)]));
}

#[test]
fn several_inputs_are_joined_into_one_stream() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", "a: 1");
    scratch.write("b.yaml", SECRET);
    scratch.write("c.yaml", "---\nc: 3\n");
    let run = with_cert(&scratch, ["encrypt", "a.yaml", "b.yaml", "c.yaml", "-"])
        .stdin("d: 4\n")
        .finish()
        .exits(0);
    let all = documents(run.out());
    assert_eq!(all.len(), 4, "{}", run.out());
    assert_eq!(all[3]["d"], 4);
}

#[test]
fn a_folder_is_its_manifests_sorted_and_hidden_ones_left_out() {
    let scratch = Scratch::new();
    scratch.write("k/b.yml", "b: 1\n");
    scratch.write("k/a/x.yaml", SECRET);
    scratch.write("k/c.json", "{\"c\": 1}\n");
    scratch.write("k/.hidden.yaml", "not: read: at: all");
    scratch.write("k/.git/y.yaml", "not: read: at: all");
    scratch.write("k/notes.txt", "not: read: at: all");
    let run = with_cert(&scratch, ["encrypt", "k"]).finish().exits(0);
    let all = documents(run.out());
    assert_eq!(all[0]["kind"], "SealedSecret");
    assert_eq!((&all[1]["b"], &all[2]["c"]), (&1.into(), &1.into()));
}

#[test]
fn seal_alone_reads_standard_input() {
    let scratch = Scratch::new();
    let run = scratch
        .seal(["--cert"])
        .arg(cert())
        .stdin(SECRET)
        .finish()
        .exits(0)
        .never_shows(MARKER);
    assert_eq!(values(&document(run.out())), texts([("password", MARKER)]));
    assert_eq!(run.err(), "");
}
