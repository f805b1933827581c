use crate::{Edits, Error, Limits, Node, read};

/// Removes the items with these numbers from the sequence at a path.
fn remove(text: &str, path: &[&str], numbers: &[usize]) -> Result<String, Error> {
    let stream = read(text, &Limits::default()).expect("the sample is small");
    let document = stream.documents[0].as_ref().expect("the sample is valid");
    let items = document.root.at(path).and_then(Node::items);
    let items = items.expect("the sample has the sequence");
    let mut edits = Edits::new(text);
    for number in numbers {
        assert_eq!(edits.remove_item(document, &items[*number]), Ok(true));
    }
    Ok(edits.apply()?.to_string())
}

#[track_caller]
fn check(before: &str, path: &[&str], numbers: &[usize], after: &str) {
    assert_eq!(
        remove(before, path, numbers).as_deref(),
        Ok(after),
        "{before:?}"
    );
}

#[test]
fn an_item_goes_with_its_lines_wherever_it_stands() {
    let text = "- a: 1\n  b: 2\n- |\n  c\n\n- - d\n  - e\n";
    check(text, &[], &[0], "- |\n  c\n\n- - d\n  - e\n");
    check(text, &[], &[1], "- a: 1\n  b: 2\n\n- - d\n  - e\n");
    check(text, &[], &[2], "- a: 1\n  b: 2\n- |\n  c\n\n");
    check(text, &[], &[0, 2], "- |\n  c\n\n");
    check(
        "m:\n  - a\n  - b\nn: 1\n",
        &["m"],
        &[0],
        "m:\n  - b\nn: 1\n",
    );
    check("m:\n- a\n- b\nn: 1\n", &["m"], &[1], "m:\n- a\nn: 1\n");
    check("-\n- b\n-\n", &[], &[0], "- b\n-\n");
    check("-\n  a: 1\n-\n  b: 1\n", &[], &[1], "-\n  a: 1\n");
    check("-   &x a\n- !!str b\n", &[], &[0], "- !!str b\n");
    check("- a\r\n- b\r\n- c\r\n", &[], &[1], "- a\r\n- c\r\n");
    check("\u{feff}- a\n- b\n", &[], &[0], "\u{feff}- b\n");
    check(
        "--- # c\n- a\n- b\n---\n- a\n",
        &[],
        &[1],
        "--- # c\n- a\n---\n- a\n",
    );
    check("- a\n- b\n...\n", &[], &[1], "- a\n...\n");
}

#[test]
fn a_text_without_a_last_line_break_keeps_none() {
    check("- a\n- b", &[], &[1], "- a");
    check("- a\r\n- b", &[], &[1], "- a");
    check("- a\n- b\n# c\n- d", &[], &[1, 2], "- a");
    check("m:\n- a", &["m"], &[0], "m: []");
    check("- a # b", &[], &[0], "[]");
    check("- |\n  a\n- b", &[], &[1], "- |\n  a\n");
    check("- k: |\n    a\n- b", &[], &[1], "- k: |\n    a\n");
    check("- {k: a}\n- b", &[], &[1], "- {k: a}");
}

#[test]
fn comments_that_belong_to_an_item_go_with_it() {
    check(
        "# list\n\n# a\n- a # a\n  # a\n# b\n# b\n- b: 1 # b\n  # b\n  c: 1\n\n    # b\n# c\n- c\n# end\n",
        &[],
        &[1],
        "# list\n\n# a\n- a # a\n  # a\n# c\n- c\n# end\n",
    );
    check(
        "m: # m\n  # a\n  - a\n  # b\n  - b\n",
        &["m"],
        &[0],
        "m: # m\n  # b\n  - b\n",
    );
    check("m:\n  - a\n# b\n  - b\n", &["m"], &[1], "m:\n  - a\n");
    check("- a\n# b\n  # b\n- b\n", &[], &[1], "- a\n");
    check("- a\n  # a\n  # b\n- b\n", &[], &[0], "- b\n");
    check("- |\n  # a\n- b\n", &[], &[1], "- |\n  # a\n");
    check("# a\r\n- a\r\n# b\r\n- b\r\n", &[], &[1], "# a\r\n- a\r\n");
    check("\u{feff}# a\n- a\n- b\n", &[], &[0], "\u{feff}- b\n");
}

#[test]
fn an_item_behind_another_dash_makes_room_for_the_next() {
    check("- - a\n  - b\n  - c\n", &["0"], &[0], "- - b\n  - c\n");
    check("- - a\n  - b\n  - c\n", &["0"], &[0, 1], "- - c\n");
    check("- - a\n  - b\n  - c\n", &["0"], &[0, 2], "- - b\n");
    check(
        "- - a # a\n  # b\n  - b\n",
        &["0"],
        &[0],
        "-\n  # b\n  - b\n",
    );
    check("- - - a\n  - b\n", &["0"], &[0], "- - b\n");
    check("- - a\r\n  - b", &["0"], &[1], "- - a");
    check("? k\n: - a\n  - b\n", &["k"], &[0], "? k\n: - b\n");
}

#[test]
fn a_sequence_that_loses_all_its_items_is_empty() {
    check("- a\n- b\n", &[], &[0, 1], "[]\n");
    check("# a\n- a\n# b\n- b\n# end\n", &[], &[0, 1], "[]\n# end\n");
    check(
        "m: # m\n  # a\n  - a\nn: 1\n",
        &["m"],
        &[0],
        "m: [] # m\nn: 1\n",
    );
    check("m:\r\n- a\r\nn: 1\r\n", &["m"], &[0], "m: []\r\nn: 1\r\n");
    check("- - a\n  - b\n- c\n", &["0"], &[0, 1], "- []\n- c\n");
    check("-\n  # a\n  - a\n- c\n", &["0"], &[0], "-\n  []\n- c\n");
    check("? k\n: - a\n", &["k"], &[0], "? k\n: []\n");
    check("--- !!seq\n- a\n", &[], &[0], "--- !!seq\n[]\n");
    check("m: [a, b] # m\n", &["m"], &[0, 1], "m: [] # m\n");
    check("{\"m\": [\n  1\n]}", &["m"], &[0], "{\"m\": []}");
}

#[test]
fn an_item_in_brackets_goes_with_a_comma() {
    check("[a, b, c]\n", &[], &[0], "[b, c]\n");
    check("[a, b, c]\n", &[], &[1], "[a, c]\n");
    check("[a, b, c]\n", &[], &[2], "[a, b]\n");
    check("[a, b, c,]\n", &[], &[1, 2], "[a,]\n");
    check(
        "m: [ {a: 1}, &x {b: 2} ]\n",
        &["m"],
        &[1],
        "m: [ {a: 1} ]\n",
    );
    check("[a: 1, b: 2]\n", &[], &[0], "[b: 2]\n");
    let json = "{\n  \"m\": [\n    {\n      \"a\": 1\n    },\n    2,\n    \"#\"\n  ]\n}\n";
    check(json, &["m"], &[0, 2], "{\n  \"m\": [\n    2\n  ]\n}\n");
    check("[1,2,3]", &[], &[1], "[1,3]");
    check(
        "[ # a\n  a,\n  b,\n  c\n]\n",
        &[],
        &[2],
        "[ # a\n  a,\n  b\n]\n",
    );
}

#[test]
fn what_cannot_be_told_apart_is_not_removed() {
    let refused = |text: &str, path: &[&str], number: usize| {
        let stream = read(text, &Limits::default()).expect("the sample is small");
        let document = stream.documents[0].as_ref().expect("the sample is valid");
        let items = document.root.at(path).and_then(Node::items);
        let item = &items.expect("the sample has the sequence")[number];
        let mut edits = Edits::new(text);
        let removed = edits.remove_item(document, item);
        let refused = removed.and_then(|_| edits.apply()).err();
        assert!(
            matches!(refused, Some(Error::EditNotPossible { .. })),
            "{text:?}: {refused:?}"
        );
    };
    refused("- &a x\n- *a\n", &[], 0);
    refused("- k: &a x\n- *a\n", &[], 0);
    refused("- x: &a x\n- *a\n", &[], 1);
    refused("m: &a\n- x\nn: *a\n", &["m"], 0);
    refused("m: &a\n- x\nn: *a\n", &["n"], 0);
    refused("m: !!seq\n- x\n", &["m"], 0);
    refused("[a, # b\n  b, c]\n", &[], 1);
    refused("[a, b # b\n  ]\n", &[], 1);
    let text = "m: a\n";
    let stream = read(text, &Limits::default()).expect("the sample is small");
    let document = stream.documents[0].as_ref().expect("the sample is valid");
    for node in [&document.root, document.root.get("m").expect("it is there")] {
        let removed = Edits::new(text).remove_item(document, node);
        assert!(matches!(removed, Err(Error::EditNotPossible { .. })));
    }
}

#[test]
fn other_edits_beside_a_removed_item_are_made() {
    let text = "m:\n- k: a\n- k: b\n- k: c\n";
    let stream = read(text, &Limits::default()).expect("the sample is small");
    let document = stream.documents[0].as_ref().expect("the sample is valid");
    let items = document
        .root
        .get("m")
        .and_then(Node::items)
        .expect("the sample has it");
    let mut edits = Edits::new(text);
    assert_eq!(edits.remove_item(document, &items[1]), Ok(true));
    assert_eq!(edits.remove_item(document, &items[1]), Ok(false));
    edits
        .set_in(document, &items[2], &["l"], "x")
        .expect("the edit is possible");
    assert_eq!(edits.remove(document, &items[0], "k"), Ok(true));
    let edited = edits.apply().expect("the edits go together");
    assert_eq!(edited.as_str(), "m:\n- {}\n- k: c\n  l: x\n");

    let mut edits = Edits::new(text);
    edits
        .set(document, &["m", "1", "k"], "x")
        .expect("the edit is possible");
    assert_eq!(edits.remove_item(document, &items[1]), Ok(true));
    assert!(matches!(edits.apply(), Err(Error::EditsOverlap { .. })));
}
