use serde_json::{Value, json};

use super::*;
use crate::{Position, ScalarKind, Style};

fn stream(text: &str) -> Stream {
    read(text, &Limits::default()).expect("the sample is within the limits")
}

fn values(text: &str) -> Vec<Value> {
    let documents = stream(text).documents.into_iter();
    documents
        .map(|document| document.map_or_else(|_| Value::from("error"), |d| d.root.to_json()))
        .collect()
}

fn error(text: &str) -> Error {
    let mut documents = stream(text).documents;
    documents
        .pop()
        .expect("the sample has a document")
        .expect_err("the sample is broken")
}

#[track_caller]
fn check(text: &str, expected: Value) {
    assert_eq!(Value::from(values(text)), expected, "{text:?}");
}

#[test]
fn documents_are_divided_at_markers_wherever_they_stand() {
    check("a: 1\n---\nb: 2\n", json!([{"a": 1}, {"b": 2}]));
    check(
        "--- {a: 1}\n--- [b]\n--- |\n  x\n...\n",
        json!([{"a": 1}, ["b"], "x\n"]),
    );
    check(
        "%YAML 1.1\n---\na: 1\n...\n# c\n%YAML 1.2\n---\nb: 2\n",
        json!([{"a": 1}, {"b": 2}]),
    );
    check("---\n---\n# only\n---\na: 1\n---\n...\n", json!([{"a": 1}]));
    check(
        "a: |\n x\n---\nb: '\n---\nc: 1\n",
        json!([{"a": "x\n"}, "error", {"c": 1}]),
    );
    check("a: 1\n...\nb: 2\n", json!([{"a": 1}, {"b": 2}]));
    check(
        "a: 1\r\n---\r\nb: 2\r---\rc: 3",
        json!([{"a": 1}, {"b": 2}, {"c": 3}]),
    );
    check(
        "\u{feff}a: 1\n\u{feff}---\nb: 2\n",
        json!([{"a": 1}, {"b": 2}]),
    );
    check(
        "a: ---\nb: x\n  --- y\n",
        json!([{"a": "---", "b": "x --- y"}]),
    );
    check("---a: 1\n", json!([{"---a": 1}]));
    check("a:\n  %b\n", json!(["error"]));
    check("", json!([]));
    check("# c\n\n", json!([]));
    check("--- ~\n", json!([null]));
    check("%YAML 1.2\n", json!(["error"]));
}

#[test]
fn the_ranges_of_documents_and_what_is_left_out_cover_the_text() {
    let text = "# c\n---\na: 1\n...\n---\nb: 2";
    let documents = stream(text).documents;
    let ranges: Vec<_> = documents
        .into_iter()
        .flatten()
        .map(|d| (d.range, d.line, d.end))
        .collect();
    assert_eq!(ranges, [(4..17, 2, 13), (17..25, 5, 25)]);
}

#[test]
fn json_is_read_as_one_value_or_several() {
    check("{\"a\": 1}", json!([{"a": 1}]));
    check(
        "{\"a\":1}{\"b\":2}\n[3] 4",
        json!([{"a": 1}, {"b": 2}, [3], 4]),
    );
    check(
        r#"["\ud83d\ude00\/\b", 18446744073709551615, -1.5e3]"#,
        json!([["😀/\u{8}", u64::MAX, -1500.0]]),
    );
    assert_eq!(stream("{\"a\":1}").format, Format::Json);
    assert_eq!(stream("{a: 1}").format, Format::Yaml);
    check("{\"a\": 1,}", json!([{"a": 1}]));
    check("{\"a\":1}\n---\n{\"b\": 2}\n", json!([{"a": 1}, {"b": 2}]));
    check("{\"a\":1}\n---\nb: '\n", json!([{"a": 1}, "error"]));
    check("{\"a\":1}\n{\"b\":\n", json!([{"a": 1}, "error"]));
    check("{\"a\":1} oops", json!([{"a": 1}, "error"]));
    for broken in [
        "[1",
        "{\"a\" 1}",
        "[\"\\ud800\"]",
        "[01",
        "[1.",
        "[\"a\nb\"]x",
        "[+1]{",
        "{1:2}]",
    ] {
        assert!(matches!(error(broken), Error::Syntax { .. }), "{broken}");
    }
}

#[test]
fn numbers_in_json_keep_their_digits() {
    let text = "[123456789012345678901234567890, 1.10]";
    let stream = stream(text);
    let document = stream.documents[0].as_ref().expect("the sample is valid");
    let digits: Vec<_> = document
        .root
        .items()
        .into_iter()
        .flatten()
        .map(|n| n.scalar().map(|s| s.text()))
        .collect();
    assert_eq!(
        digits,
        [Some("123456789012345678901234567890"), Some("1.10")]
    );
}

#[test]
fn a_key_that_stands_twice_is_an_error_with_its_path() {
    for (text, line, column) in [
        ("m:\n  - a: 1\n    a: 2\n", 3, 5),
        ("{\"m\": [{\"a\": 1,\n\"a\": 2}]}", 2, 1),
    ] {
        let expected = Error::DuplicateKey {
            document: 1,
            position: Position { line, column },
            path: "m[0]".to_owned(),
        };
        assert_eq!(error(text), expected);
    }
    assert!(matches!(
        error("<<: {a: 1}\n<<: {b: 1}\n"),
        Error::DuplicateKey { .. }
    ));
}

#[test]
fn merge_keys_bring_in_what_the_mapping_does_not_have() {
    let base = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\n";
    let read = |rest: &str| values(&format!("{base}m:\n{rest}"))[0]["m"].clone();
    assert_eq!(read("  <<: *a\n  y: 3\n"), json!({"y": 3, "x": 1}));
    assert_eq!(read("  y: 3\n  <<: *a\n"), json!({"y": 3, "x": 1}));
    assert_eq!(read("  <<: [*b, *a]\n"), json!({"y": 2, "z": 2, "x": 1}));
    assert_eq!(read("  \"<<\": x\n"), json!({"<<": "x"}));
    assert!(matches!(error("<<: 1\n"), Error::Syntax { .. }));
}

#[test]
fn tags_that_json_has_no_type_for_are_refused() {
    check(
        "a: !!str 12\nb: !!int \"12\"\nc: !!float 1\nd: !!str\n",
        json!([{"a": "12", "b": 12, "c": 1.0, "d": ""}]),
    );
    for text in [
        "a: !!binary aGk=\n",
        "a: !x y\n",
        "a: !!int x\n",
        "!!set {a}\n",
        "a: !!timestamp 2026-01-01\n",
    ] {
        assert!(
            matches!(error(text), Error::UnsupportedTag { document: 1, .. }),
            "{text}"
        );
    }
}

#[test]
fn block_scalars_read_as_kubectl_reads_them() {
    check("a: |\n  x", json!([{"a": "x"}]));
    check("a: |+\n  x", json!([{"a": "x"}]));
    check("a: >\n  x\n  y\n\n  z\n", json!([{"a": "x y\nz\n"}]));
    check("a: |2\n\n   x\n\n\nb: 1", json!([{"a": "\n x\n", "b": 1}]));
    check("a: |\r\n  x\r\n  y\r\n", json!([{"a": "x\ny\n"}]));
}

#[test]
fn what_readers_disagree_on_is_refused() {
    for text in ["a: b\u{85}c\n", "a: |\n  b\u{2028}c\n", "a: 'b\u{2029}c'\n"] {
        assert!(matches!(error(text), Error::Syntax { .. }), "{text:?}");
    }
    check(
        "a: 1 # \u{2028}\nb: \"\\u2028\"\n",
        json!([{"a": 1, "b": "\u{2028}"}]),
    );
}

#[test]
fn positions_count_lines_and_characters() {
    let stream = stream("\u{feff}# é\r\nmü: 'é' \r\nk:\r\n  - x\r\n");
    let root = &stream.documents[0]
        .as_ref()
        .expect("the sample is valid")
        .root;
    let at = |path: &[&str]| {
        root.at(path)
            .map(|node| (node.position.line, node.position.column))
    };
    assert_eq!(at(&["mü"]), Some((2, 5)));
    assert_eq!(at(&["k"]), Some((4, 3)));
    assert_eq!(at(&["k", "0"]), Some((4, 5)));
    let json = read("{\"é\": \r\n [\"é\", 1]}", &Limits::default()).expect("small");
    let root = &json.documents[0]
        .as_ref()
        .expect("the sample is valid")
        .root;
    assert_eq!(
        root.at(&["é", "1"]).map(|n| n.position),
        Some(Position { line: 2, column: 8 })
    );
}

#[test]
fn ranges_hold_exactly_what_stands_for_the_value() {
    let text = "a: &x !!str 'q' # c\nb: |- # c\n  x\n\n\nc:\nd: [1, {e: f}]\ng: >+\n  x\n\n";
    let stream = stream(text);
    let root = &stream.documents[0]
        .as_ref()
        .expect("the sample is valid")
        .root;
    let raw = |path: &[&str]| root.at(path).map(|node| &text[node.range.clone()]);
    assert_eq!(raw(&["a"]), Some("'q'"));
    assert_eq!(raw(&["b"]), Some("|- # c\n  x"));
    assert_eq!(raw(&["c"]), Some(""));
    assert_eq!(raw(&["d", "1"]), Some("{e: f}"));
    assert_eq!(raw(&["g"]), Some(">+\n  x\n"));
    assert_eq!(
        root.get("c").map(|node| (node.range.start, node.is_null())),
        Some((38, true))
    );
    assert_eq!(root.get("b").map(|node| node.style()), Some(Style::Literal));
    assert_eq!(
        root.get("c").and_then(Node::scalar).map(|s| s.kind()),
        Some(ScalarKind::Null)
    );
}

#[test]
fn limits_stop_what_is_too_much() {
    let small = Limits {
        bytes: 10,
        documents: 2,
        nodes: 5,
        alias_nodes: 3,
        depth: 2,
    };
    assert_eq!(
        read("a: 1234567890", &small).err(),
        Some(Error::TooLarge {
            bytes: 13,
            limit: 10
        })
    );
    let limits = Limits {
        bytes: 100,
        ..small
    };
    assert_eq!(
        read("a\n---\nb\n---\nc\n", &limits).err(),
        Some(Error::TooManyDocuments { limit: 2 })
    );
    assert_eq!(
        read("[1] [2] [3]", &limits).err(),
        Some(Error::TooManyDocuments { limit: 2 })
    );
    let first = |text| {
        read(text, &limits)
            .ok()
            .and_then(|mut s| s.documents.remove(0).err())
    };
    assert!(matches!(
        first("[1,2,3,4,5]"),
        Some(Error::TooManyNodes { .. })
    ));
    assert!(matches!(
        first("- 1\n- 2\n- 3\n- 4\n- 5\n"),
        Some(Error::TooManyNodes { .. })
    ));
    assert!(matches!(first("[[[1]]]"), Some(Error::TooDeep { .. })));
    assert!(matches!(first("- - - 1\n"), Some(Error::TooDeep { .. })));
    assert!(matches!(
        first("- &a 1\n- *a\n- *a\n- *a\n"),
        Some(Error::Alias { .. })
    ));
}

#[test]
fn deep_nesting_stops_without_using_up_the_stack() {
    for text in [
        "[".repeat(1_000_000),
        "- ".repeat(1_000_000),
        "{\"a\":".repeat(200_000),
    ] {
        assert!(
            matches!(error(&text), Error::TooDeep { .. }),
            "{}",
            &text[..5]
        );
    }
}

#[test]
fn keys_that_are_no_simple_text_are_refused() {
    for text in [
        "? [a]\n: b\n",
        "- {a: b}: c\n",
        "a: &x {b: c}\n*x : d\n",
        &"? ".repeat(100_000),
    ] {
        let error = error(text);
        assert!(
            matches!(error, Error::UnsupportedKey { .. }),
            "{error:?} {}",
            &text[..6]
        );
    }
    check("a: &x b\n*x : c\n", json!([{"a": "b", "b": "c"}]));
}

#[test]
fn an_alias_bomb_stops_at_once() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let wide = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(1 << 20),
        "*a, ".repeat(60_000)
    );
    assert!(matches!(error(&bomb), Error::Alias { .. }));
    assert!(matches!(error(&wide), Error::Alias { .. }));
    assert!(matches!(error("a: &a [*a]\n"), Error::Alias { .. }));
    assert!(matches!(error("a: *b\n"), Error::Alias { .. }));
}

#[test]
fn neither_errors_nor_debug_output_show_a_value() {
    let broken = [
        "p: 'hunter2\n",
        "p: hunter2: x\n",
        "p: \"hunter2 \\q\"\n",
        "p: *hunter2\n",
        "p: !hunter2 x\n",
        "- hunter2\nx\n",
        "{\"p\": \"hunter2\" 1}",
        "[hunter2",
        "p: &hunter2 [*hunter2]\n",
        "hunter2\nhunter2: 1\nhunter2: 2\n",
        "hunter2 hunter2:\n a: 1\n a: 2\n",
        "p: !!int hunter2\n",
        "%hunter2\n",
        "{\"hunter2\": 1, \"hunter2\": 2}",
        "p: \t|hunter2\n",
        "@hunter2",
        "p: |x hunter2\n",
    ];
    for text in broken {
        let error = error(text);
        assert!(
            !format!("{error} {error:?} {}", error.explanation()).contains("hunter2"),
            "{error}"
        );
    }
    let good = format!("{:?}", stream("p: hunter2\nq: [hunter2, {r: 'hunter2'}]\n"));
    assert!(!good.contains("hunter2"), "{good}");
}

#[test]
fn an_explanation_leaves_the_place_out() {
    let error = error("a: [\n");
    assert_eq!(
        error.to_string(),
        format!("document 1, line 1, column 4: {}", error.explanation())
    );
    assert_eq!(
        (error.document(), error.position()),
        (Some(1), Some(Position { line: 1, column: 4 }))
    );
}
