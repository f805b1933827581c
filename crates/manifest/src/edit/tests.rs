use serde_json::json;

use super::*;

fn documents(text: &str) -> Vec<Document> {
    let stream = read(text, &Limits::default()).expect("the sample is small");
    stream
        .documents
        .into_iter()
        .map(|document| document.expect("the sample is valid"))
        .collect()
}

fn edit(text: &str, change: impl FnOnce(&mut Edits<'_>, &[Document])) -> String {
    let documents = documents(text);
    let mut edits = Edits::new(text);
    change(&mut edits, &documents);
    edits
        .apply()
        .unwrap_or_else(|error| panic!("{error} in {text:?}"))
        .to_string()
}

#[track_caller]
fn check_set(before: &str, path: &[&str], value: &str, after: &str) {
    let edited = edit(before, |edits, documents| {
        edits
            .set(&documents[0], path, value)
            .expect("the edit is possible");
    });
    assert_eq!(edited, after);
}

#[track_caller]
fn check_set_and_back(before: &str, path: &[&str], value: &str, after: &str) {
    check_set(before, path, value, after);
    let old = documents(before)[0]
        .root
        .at(path)
        .and_then(Node::as_str)
        .map(str::to_owned);
    check_set(after, path, &old.expect("the sample has the value"), before);
}

#[track_caller]
fn check_remove(before: &str, path: &[&str], key: &str, after: &str) {
    let edited = edit(before, |edits, documents| {
        let mapping = documents[0]
            .root
            .at(path)
            .expect("the sample has the mapping");
        let removed = edits.remove(&documents[0], mapping, key);
        assert_eq!(removed, Ok(true));
    });
    assert_eq!(edited, after);
}

#[track_caller]
fn check_insert_and_remove(before: &str, path: &[&str], key: &str, value: &str, after: &str) {
    let edited = edit(before, |edits, documents| {
        let mapping = documents[0]
            .root
            .at(path)
            .expect("the sample has the mapping");
        edits
            .insert(&documents[0], mapping, key, value)
            .expect("the edit is possible");
    });
    assert_eq!(edited, after);
    check_remove(after, path, key, before);
}

#[test]
fn a_scalar_keeps_its_style_there_and_back() {
    check_set_and_back("a: b # c\nd: e\n", &["a"], "x y", "a: x y # c\nd: e\n");
    check_set_and_back("a:   'b'\n", &["a"], "it's", "a:   'it''s'\n");
    check_set_and_back("a: \"b\"\r\n", &["a"], "x\ny", "a: \"x\\ny\"\r\n");
    check_set_and_back(
        "a: |\n    b\n    c\n\nd: e\n",
        &["a"],
        "x\n",
        "a: |\n    x\n\nd: e\n",
    );
    check_set_and_back(
        "a: |- # c\n  b\nd: e\n",
        &["a"],
        "x\ny\n",
        "a: | # c\n  x\n  y\nd: e\n",
    );
    check_set_and_back("a: >-\n  b\n", &["a"], "x\n\ny", "a: >-\n  x\n\n\n  y\n");
    check_set_and_back("- {k: v, l: m}\n", &["0", "k"], "w", "- {k: w, l: m}\n");
    check_set_and_back("{\"a\": \"b\"}", &["a"], "\"\n", "{\"a\": \"\\\"\\n\"}");
    check_set_and_back("a: b", &["a"], "c", "a: c");
    check_set_and_back("\u{feff}a: b", &["a"], "c", "\u{feff}a: c");
    check_set_and_back("a: |2\n    x\n", &["a"], "y\n", "a: |\n  y\n");
}

#[test]
fn a_value_its_style_cannot_hold_takes_the_nearest_safe_one() {
    check_set("a: b\n", &["a"], "yes", "a: \"yes\"\n");
    check_set("a: b\n", &["a"], "1_000", "a: \"1_000\"\n");
    check_set("a: b\n", &["a"], "x\ny\n", "a: |\n  x\n  y\n");
    check_set("a: b", &["a"], "x\ny\n", "a: \"x\\ny\\n\"");
    check_set("a: b # c\n", &["a"], "x\ny\n", "a: \"x\\ny\\n\" # c\n");
    check_set("a: 'b'\n", &["a"], "\u{85}", "a: \"\\x85\"\n");
    check_set("a: |\n  b\nc: d\n", &["a"], "", "a: \"\"\nc: d\n");
    check_set("a: |\n  b\n", &["a"], "\tx\n", "a: |2\n  \tx\n");
    check_set("a: 5432\n", &["a"], "5433", "a: \"5433\"\n");
    check_set("a: [b]\n", &["a", "0"], "x", "a: [x]\n");
}

#[test]
fn absent_values_and_parents_are_filled_in() {
    check_set("a:\nb: c\n", &["a"], "x", "a: x\nb: c\n");
    check_set("a: # c\n", &["a"], "x", "a: x # c\n");
    check_set(
        "a: b\n",
        &["m", "s", "o"],
        "x",
        "a: b\nm:\n  s:\n    o: x\n",
    );
    check_set("a: # c\nb: c\n", &["a", "k"], "x", "a: # c\n  k: x\nb: c\n");
    check_set("- # c\n", &["0"], "x", "- x # c\n");
    check_set("a: \nb: c\n", &["a"], "x\ny", "a: \"x\\ny\" \nb: c\n");
    check_set("a: null\n", &["a", "k"], "x", "a:\n  k: x\n");
    check_set(
        "a:\n    b: c\nm: {}\n",
        &["m", "k"],
        "x",
        "a:\n    b: c\nm:\n    k: x\n",
    );
    check_set(
        "{\"a\": 1}\n",
        &["m", "n"],
        "x",
        "{\"a\": 1, \"m\": {\"n\": \"x\"}}\n",
    );
}

#[test]
fn two_new_keys_share_their_new_parent() {
    let edited = edit("a: b\n", |edits, documents| {
        edits
            .set(&documents[0], &["m", "a"], "1")
            .expect("the edit is possible");
        edits
            .set(&documents[0], &["m", "b"], "x")
            .expect("the edit is possible");
    });
    assert_eq!(edited, "a: b\nm:\n  a: \"1\"\n  b: x\n");
}

#[test]
fn an_inserted_key_comes_out_again_without_a_trace() {
    check_insert_and_remove("a: b\n", &[], "k", "v", "a: b\nk: v\n");
    check_insert_and_remove("a: b", &[], "k", "v", "a: b\nk: v");
    check_insert_and_remove(
        "a: b\r\n",
        &[],
        "k",
        "v\nw\n",
        "a: b\r\nk: |\r\n  v\r\n  w\r\n",
    );
    check_insert_and_remove(
        "m:\n    a: b # c\n    # d\nn: 1\n",
        &["m"],
        "k",
        "v",
        "m:\n    a: b # c\n    k: v\n    # d\nn: 1\n",
    );
    check_insert_and_remove("m: {}\nn: 1\n", &["m"], "k", "v", "m:\n  k: v\nn: 1\n");
    check_insert_and_remove("m: {} # c\n", &["m"], "k", "v", "m: # c\n  k: v\n");
    check_insert_and_remove("# c\n{}\n", &[], "k", "v", "# c\nk: v\n");
    check_insert_and_remove("- {}\n", &["0"], "k", "v", "- k: v\n");
    check_insert_and_remove(
        "- a: b\n  c: d\n- e\n",
        &["0"],
        "k",
        "v",
        "- a: b\n  c: d\n  k: v\n- e\n",
    );
    check_insert_and_remove("m: {a: b}\n", &["m"], "k", "v", "m: {a: b, k: v}\n");
    check_insert_and_remove("m: [{}]\n", &["m", "0"], "k", "v", "m: [{k: v}]\n");
    check_insert_and_remove(
        "{\"a\":1,\"b\":2}",
        &[],
        "k",
        "v",
        "{\"a\":1,\"b\":2,\"k\":\"v\"}",
    );
    check_insert_and_remove("{\"a\":1}", &[], "k", "v", "{\"a\":1,\"k\":\"v\"}");
    check_insert_and_remove(
        "{\n    \"a\": {}\n}\n",
        &["a"],
        "k",
        "v",
        "{\n    \"a\": {\n        \"k\": \"v\"\n    }\n}\n",
    );
    check_insert_and_remove(
        "{\n  \"a\": 1\n}\n",
        &[],
        "k",
        "v",
        "{\n  \"a\": 1,\n  \"k\": \"v\"\n}\n",
    );
    check_insert_and_remove(
        "a: |\n  x\n\nb: |+\n  x\n\n",
        &[],
        "k",
        "v",
        "a: |\n  x\n\nb: |+\n  x\n\nk: v\n",
    );
    check_insert_and_remove(
        "b: &b {x: y}\nm:\n  <<: *b\n",
        &["m"],
        "k",
        "v",
        "b: &b {x: y}\nm:\n  <<: *b\n  k: v\n",
    );
}

#[test]
fn a_removed_key_takes_its_lines_and_comment_along() {
    check_remove("a: b # c\n# d\ne: f\n", &[], "a", "# d\ne: f\n");
    check_remove("- a: 1\n  b: 2\n", &["0"], "a", "- b: 2\n");
    check_remove("- a: 1 # x\n", &["0"], "a", "- {}\n");
    check_remove(
        "m:\n  # x\n  a: 1\nn: 2\n",
        &["m"],
        "a",
        "m: {}\n  # x\nn: 2\n",
    );
    check_remove(
        "a: 1\nb:\n  c: |\n    x\n  d: 2\ne: 3",
        &[],
        "b",
        "a: 1\ne: 3",
    );
    check_remove("a: 1\ne: 3", &[], "e", "a: 1");
    check_remove("{a: 1, b: 2, c: 3}", &[], "b", "{a: 1, c: 3}");
    check_remove("{a: 1, b: 2, c: 3}", &[], "a", "{b: 2, c: 3}");
    check_remove("? a\n: 1\nb: 2\n", &[], "a", "b: 2\n");
    check_remove("{a: 1,}", &[], "a", "{}");
}

#[test]
fn a_byte_order_mark_outlives_the_edits_beside_it() {
    check_remove("\u{feff}a: 1\nb: 2\n", &[], "a", "\u{feff}b: 2\n");
    check_remove("\u{feff}a: 1\n", &[], "a", "\u{feff}{}\n");
    check_replace("\u{feff}a: 1\n", 0, &[], json!({"b": 2}), "\u{feff}b: 2\n");
    check_set(
        "\u{feff}a: 1\n",
        &["m", "k"],
        "v",
        "\u{feff}a: 1\nm:\n  k: v\n",
    );
}

#[test]
fn an_alias_in_the_way_is_not_written_through() {
    let text = "a: &x {k: v}\nb: *x\nc: &y v\nd: *y\n";
    for path in [
        &["b", "k"][..],
        &["b", "new"],
        &["d"],
        &["c"],
        &["a", "new"],
    ] {
        let refused = Edits::new(text).set(&documents(text)[0], path, "w");
        assert!(
            matches!(refused, Err(Error::EditNotPossible { .. })),
            "{path:?}"
        );
    }
}

#[test]
fn several_edits_of_one_mapping_go_together() {
    let edited = edit("m:\n  a: 1\n  b: 2\n  c: 3\n", |edits, documents| {
        let mapping = documents[0].root.get("m").expect("the sample has it");
        for key in ["a", "b", "c"] {
            assert_eq!(edits.remove(&documents[0], mapping, key), Ok(true));
        }
        edits
            .insert(&documents[0], mapping, "d", "x")
            .expect("the edit is possible");
        edits
            .insert(&documents[0], mapping, "a", "z")
            .expect("the edit is possible");
    });
    assert_eq!(edited, "m:\n  d: x\n  a: z\n");
    let edited = edit("- a: 1\n  b: 2\n  c: 3\n  d: 4", |edits, documents| {
        let mapping = documents[0].root.at(&["0"]).expect("the sample has it");
        for key in ["a", "b", "d"] {
            assert_eq!(edits.remove(&documents[0], mapping, key), Ok(true));
        }
    });
    assert_eq!(edited, "- c: 3");
}

#[track_caller]
fn check_replace(before: &str, number: usize, path: &[&str], value: Value, after: &str) {
    let edited = edit(before, |edits, documents| {
        let node = documents[number]
            .root
            .at(path)
            .expect("the sample has the node");
        edits
            .replace_node(&documents[number], node, value.clone())
            .expect("the edit is possible");
    });
    assert_eq!(edited, after);
}

#[test]
fn a_whole_document_is_replaced_with_the_comments_in_it() {
    let value = json!({"kind": "S", "data": {"a": "x\ny\n"}, "l": [1, {"b": []}]});
    let yaml = "kind: S\ndata:\n  a: |\n    x\n    y\nl:\n- 1\n- b: []\n";
    check_replace(
        "# c\na: 1 # d\n# e\n",
        0,
        &[],
        value.clone(),
        &format!("# c\n{yaml}"),
    );
    check_replace(
        "z: 1\n---\na: 1\n...\n---\ny: 1\n",
        1,
        &[],
        value.clone(),
        &format!("z: 1\n---\n{yaml}...\n---\ny: 1\n"),
    );
    check_replace(
        "--- {a: 1}\n",
        0,
        &[],
        value.clone(),
        &format!("---\n{yaml}"),
    );
    check_replace("a: 1\r\n", 0, &[], value, &yaml.replace('\n', "\r\n"));
    check_replace("a: 1", 0, &[], json!({"b": 2}), "b: 2");
    check_replace(
        "{\"a\":1}\n{\"b\":2}\n",
        1,
        &[],
        json!({"c": [1, "x"]}),
        "{\"a\":1}\n{\"c\":[1,\"x\"]}\n",
    );
    check_replace(
        "{\n\t\"a\": 1\n}\n",
        0,
        &[],
        json!({"c": [1]}),
        "{\n\t\"c\": [\n\t\t1\n\t]\n}\n",
    );
}

#[test]
fn an_item_of_a_list_is_replaced_at_its_indentation() {
    let value = json!({"kind": "S", "data": {"a": "b"}});
    check_replace(
        "items:\n  - a: 1\n    # secret\n    b: 2 # secret\n    # secret\n  # next\n  - c: 3\n",
        0,
        &["items", "0"],
        value.clone(),
        "items:\n  - kind: S\n    data:\n      a: b\n  # next\n  - c: 3\n",
    );
    check_replace(
        "items:\n- a: 1\n- b: 2",
        0,
        &["items", "1"],
        value.clone(),
        "items:\n- a: 1\n- kind: S\n  data:\n    a: b",
    );
    check_replace(
        "items: [{a: 1}, {b: 2}]\n",
        0,
        &["items", "1"],
        value,
        "items: [{a: 1}, {kind: S, data: {a: b}}]\n",
    );
    check_replace("m:\n  a: 1\nn: 2\n", 0, &["m"], json!("x"), "m: x\nn: 2\n");
    check_replace(
        "{\n  \"items\": [\n    {\"a\": 1}\n  ]\n}",
        0,
        &["items", "0"],
        json!({"b": 1}),
        "{\n  \"items\": [\n    {\n      \"b\": 1\n    }\n  ]\n}",
    );
}

#[test]
fn values_that_stand_in_two_places_are_not_edited() {
    let text = "a: &x {k: v}\nb: *x\nc: {<<: *x}\n";
    let documents = documents(text);
    for path in [&["a", "k"][..], &["b", "k"], &["c", "k"]] {
        let mut edits = Edits::new(text);
        let node = documents[0].root.at(path).expect("the sample has it");
        let refused = edits.replace_scalar(node, "w");
        assert!(
            matches!(refused, Err(Error::EditNotPossible { .. })),
            "{path:?}: {refused:?}"
        );
    }
    let mut edits = Edits::new(text);
    let refused = edits.remove(&documents[0], &documents[0].root, "a");
    assert!(matches!(refused, Err(Error::EditNotPossible { .. })));
    assert_eq!(
        edits.remove(&documents[0], &documents[0].root, "b"),
        Ok(true)
    );
}

#[test]
fn edits_of_the_same_bytes_are_refused() {
    let text = "a:\n  b: c\n";
    let documents = documents(text);
    let mut edits = Edits::new(text);
    let node = documents[0]
        .root
        .at(&["a", "b"])
        .expect("the sample has it");
    edits
        .replace_scalar(node, "x")
        .expect("the edit is possible");
    edits
        .remove(&documents[0], &documents[0].root, "a")
        .expect("the edit is possible");
    assert!(edits.apply().is_err());
}

/// What verification says of a text that is not the one the edits make.
#[track_caller]
fn check_not_verified(
    text: &str,
    wrong: &[&str],
    change: impl FnOnce(&mut Edits<'_>, &[Document]) -> Result<(), Error>,
) {
    let documents = documents(text);
    let mut edits = Edits::new(text);
    change(&mut edits, &documents).expect("the edit is possible");
    let stream = edits.stream.as_ref().expect("the sample is valid");
    let changes = edits.changes();
    let limits = Limits::default();
    for wrong in wrong {
        let verified = model::verify(stream, &changes, wrong, &limits);
        assert!(verified.is_err(), "{wrong:?}");
    }
    let right = edits.apply().expect("the edit is right");
    assert!(!wrong.contains(&right.as_str()));
}

#[test]
fn an_edited_text_that_says_something_else_is_not_verified() {
    let text = "a: 1\nb: {c: x}\nd: [1, 2]\n---\ne: x\n";
    check_not_verified(
        text,
        &[
            text,
            "a: 1\nb: {c: y}\nd: [1, 2]\n",
            "a: 1\nb: {c: y}\nd: [1, 2]\n---\ne: y\n",
            "a: 2\nb: {c: y}\nd: [1, 2]\n---\ne: x\n",
            "a: 1\nb: {c: y, f: y}\nd: [1, 2]\n---\ne: x\n",
            "a: 1\nb: {c: [y]}\nd: [1, 2]\n---\ne: x\n",
        ],
        |edits, documents| edits.set(&documents[0], &["b", "c"], "y"),
    );
    check_not_verified(
        text,
        &[
            text,
            "a: 1\nb: {c: x}\nd: [1]\n---\ne: x\n",
            "a: 1\nb: {c: x}\nd: [1, 2]\nn: yes\n---\ne: x\n",
            "b: {c: x}\nd: [1, 2]\nn: 'yes'\n---\ne: x\n",
        ],
        |edits, documents| edits.insert(&documents[0], &documents[0].root, "n", "yes"),
    );
    let item = |document: &Document| document.root.at(&["d", "0"]).cloned().expect("it is there");
    check_not_verified(
        text,
        &[
            text,
            "a: 1\nb: {c: x}\nd: [1]\n---\ne: x\n",
            "a: 1\nb: {c: x}\nd: 2\n---\ne: x\n",
        ],
        |edits, documents| {
            let removed = edits.remove_item(&documents[0], &item(&documents[0]));
            removed.map(|is_removed| assert!(is_removed))
        },
    );
    let value = json!({"k": "v", "n": 3, "l": [true, null], "m": {"o": "1"}});
    check_not_verified(
        text,
        &[
            text,
            "a: 1\nb: {k: v, n: 3, l: [true], m: {o: '1'}}\nd: [1, 2]\n---\ne: x\n",
            "a: 1\nb: {k: v, n: 3, l: [true, ''], m: {o: '1'}}\nd: [1, 2]\n---\ne: x\n",
            "a: 1\nb: {k: v, n: 3, l: [true, null], m: {o: 1}}\nd: [1, 2]\n---\ne: x\n",
            "a: 1\nb: {k: v, n: 3, l: [true, null]}\nd: [1, 2]\n---\ne: x\n",
            "a: 1\nb: {k: w, n: 3, l: [true, null], m: {o: '1'}}\nd: [1, 2]\n---\ne: x\n",
        ],
        |edits, documents| {
            let node = documents[0].root.get("b").expect("it is there");
            edits.replace_node(&documents[0], node, value)
        },
    );
}

#[test]
fn keys_go_below_an_explicit_key_that_has_no_value() {
    check_set("? a\n", &["b"], "c", "? a\nb: c\n");
    check_set("? a\n:\n", &["b"], "c", "? a\n:\nb: c\n");
    check_set("?\n---\nd: e\n", &["b"], "c", "?\nb: c\n---\nd: e\n");
    check_set(
        "m:\n  ? a\nd: e\n",
        &["m", "b"],
        "c",
        "m:\n  ? a\n  b: c\nd: e\n",
    );
    check_set("m: {a}\n", &["m", "b"], "c", "m: {a, b: c}\n");
}

#[test]
fn keys_go_below_the_first_one_after_any_number_of_byte_order_marks() {
    check_set("\u{feff}a: b\n", &["c"], "d", "\u{feff}a: b\nc: d\n");
    check_set(
        "\u{feff}\u{feff}a: b\n",
        &["c"],
        "d",
        "\u{feff}\u{feff}a: b\nc: d\n",
    );
}

#[test]
fn a_new_text_of_several_lines_takes_no_comment_in() {
    check_set(
        "a: b\n    # c\n",
        &["d"],
        "x\ny\n",
        "a: b\nd: \"x\\ny\\n\"\n    # c\n",
    );
    check_set(
        "a: b\n# c\n",
        &["d"],
        "x\ny\n",
        "a: b\nd: |\n  x\n  y\n# c\n",
    );
    check_set(
        "m:\n  a: b\n  # c\n",
        &["m", "d"],
        "x\ny\n",
        "m:\n  a: b\n  d: |\n    x\n    y\n  # c\n",
    );
    check_set(
        "m:\n\n      # c\n",
        &["m", "d"],
        "x\ny\n",
        "m:\n  d: \"x\\ny\\n\"\n\n      # c\n",
    );
}

#[test]
fn a_new_text_of_several_lines_takes_no_blanks_in() {
    let quoted = "a: b\nd: \"x\\ny\\n\"\n     \n";
    check_set("a: b\n     \n", &["d"], "x\ny\n", quoted);
    check_set("a: b\nd: z\n     \n", &["d"], "x\ny\n", quoted);
    check_set(
        "a: b\n\n   ",
        &["d"],
        "x\ny\n",
        "a: b\nd: \"x\\ny\\n\"\n\n   ",
    );
    check_set(
        "a: b\n\n---\ne: f\n",
        &["d"],
        "x\ny\n",
        "a: b\nd: |\n  x\n  y\n\n---\ne: f\n",
    );
    let edited = edit("m:\n  d: z\n     \nn: o\n", |edits, documents| {
        let node = documents[0].root.at(&["m", "d"]).expect("it is there");
        let replaced = edits.replace_node(&documents[0], node, json!("x\ny\n"));
        replaced.expect("the edit is possible");
    });
    assert_eq!(edited, "m:\n  d: \"x\\ny\\n\"\n     \nn: o\n");
}

#[test]
fn how_deep_mappings_stand_is_looked_for_once_a_document() {
    let text = "- {a: 1}\n- {a: 2}\n";
    let documents = documents(text);
    let items = documents[0].root.items().expect("it is a sequence");
    let mut edits = Edits::new(text);
    let replace = |edits: &mut Edits<'_>, item: usize| {
        edits
            .replace_node(&documents[0], &items[item], json!({"b": {"c": "d"}}))
            .expect("the edit is possible");
        edits.steps[0].get().copied()
    };
    assert_eq!(replace(&mut edits, 0), Some(2));
    edits.steps[0] = OnceLock::from(4);
    replace(&mut edits, 1);
    let edited = edits.apply().expect("the edits are possible");
    assert_eq!(edited.as_str(), "- b:\n    c: d\n- b:\n      c: d\n");
}
