//! Properties over generated documents: what is not edited keeps its bytes, an edit and its
//! reverse leave no trace, and nothing that can be typed makes the reader panic.

use proptest::prelude::*;
use seal_manifest::{Document, Edits, Limits, Node, Style, read, write};
use serde_json::{Map, Value};

/// Values that people and tools put into Secrets, and hostile ones.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Za-z0-9+/]{4,40}={0,2}",
        2 => "[ -~]{0,30}",
        2 => "([ -~]{0,12}\n){1,4}",
        1 => "[a-z \t\n\r'\"\\\\:#|>{}\\[\\],&*!%@`-]{0,20}",
        1 => any::<String>(),
        1 => prop::sample::select(vec![
            "", "yes", "null", "~", "1_000", "0o17", "12:30", "=", "<<", "---", "...", "- a", "a: b", "a #b",
            "\u{85}", "\u{2028}x", "\u{feff}", "x\n\n", " x", "x ", "\tx\ny", "\n", "\nx", "a\u{7f}", "\u{fffe}",
            "?x", "-x", ":x", "x:", "? x", "a?b", "\\", "\"", "'", "#", "a\r\nb\r\n", "| x", "x\n y\n  z", "\u{10ffff}",
        ]).prop_map(str::to_owned),
    ]
}

/// A style the generator writes a value in.
#[derive(Clone, Copy, Debug)]
enum Quote {
    Plain,
    Single,
    Double,
    Literal,
    Strip,
    Folded,
}

fn scalar() -> impl Strategy<Value = (Quote, String)> {
    let word = "[a-z][a-zA-Z0-9+/]{3,20}";
    prop_oneof![
        word.prop_map(|text| (Quote::Plain, text)),
        "[a-z ']{0,12}".prop_map(|text| (Quote::Single, text)),
        "[a-z \n\"]{0,12}".prop_map(|text| (Quote::Double, text)),
        "(x[a-z ]{0,9}y\n){1,3}".prop_map(|text| (Quote::Literal, text)),
        "x[a-z ]{0,9}y(\n[a-z ]{0,9}y){0,2}".prop_map(|text| (Quote::Strip, text)),
        word.prop_map(|text| (Quote::Folded, text)),
    ]
}

#[derive(Clone, Debug)]
struct Layout {
    indent: usize,
    eol: &'static str,
    comments: bool,
    ends_with_break: bool,
}

fn layout() -> impl Strategy<Value = Layout> {
    (
        1..6_usize,
        prop::sample::select(vec!["\n", "\r\n"]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(indent, eol, comments, ends_with_break)| Layout {
            indent,
            eol,
            comments,
            ends_with_break,
        })
}

fn write_scalar(out: &mut String, quote: Quote, text: &str, column: usize) {
    let lines = |text: &str| {
        let pad = " ".repeat(column);
        text.split('\n')
            .map(|line| format!("\n{pad}{line}"))
            .collect::<String>()
    };
    match quote {
        Quote::Plain => out.push_str(text),
        Quote::Single => out.push_str(&format!("'{}'", text.replace('\'', "''"))),
        Quote::Double => {
            out.push_str(&format!(
                "\"{}\"",
                text.replace('"', "\\\"").replace('\n', "\\n")
            ));
        }
        Quote::Literal => out.push_str(&format!("|{}", lines(text.trim_end_matches('\n')))),
        Quote::Strip => out.push_str(&format!("|-{}", lines(text))),
        Quote::Folded => out.push_str(&format!(">-{}", lines(text))),
    }
}

/// A document shaped like a Secret: metadata, values in every style, a flow mapping, an anchor.
fn document(values: &[(Quote, String)], layout: &Layout) -> String {
    let pad = " ".repeat(layout.indent);
    let comment = if layout.comments {
        " # note: it's here"
    } else {
        ""
    };
    let mut out = format!("kind: Secret{comment}\nmetadata:\n{pad}name: 'x'\n");
    out.push_str("other: &anchor [1, two]\ncopy: *anchor\nflow: {a: b, \"c\": 'd'}\nempty:\nnone: {}\nlist:\n- a: b\n");
    out.push_str(&format!("stringData:{comment}\n"));
    for (number, (quote, text)) in values.iter().enumerate() {
        if layout.comments {
            out.push_str(&format!("{pad}# above {number}\n\n"));
        }
        out.push_str(&format!("{pad}key{number}: "));
        write_scalar(&mut out, *quote, text, layout.indent * 2);
        let is_block = matches!(quote, Quote::Literal | Quote::Strip | Quote::Folded);
        out.push_str(if is_block { "\n" } else { comment });
        out.push_str(if is_block { "" } else { "\n" });
    }
    if layout.comments {
        out.push_str("# the end\n");
    }
    out
}

fn stream() -> impl Strategy<Value = (String, usize)> {
    let values = prop::collection::vec(scalar(), 1..4);
    (prop::collection::vec(values, 1..4), layout(), any::<bool>()).prop_map(
        |(documents, layout, bom)| {
            let count = documents.len();
            let texts: Vec<_> = documents
                .iter()
                .map(|values| document(values, &layout))
                .collect();
            let mut text = texts.join("---\n");
            let is_last_a_literal =
                matches!(documents[count - 1].last(), Some((Quote::Literal, _)));
            if !layout.ends_with_break && (!is_last_a_literal || layout.comments) {
                text.truncate(text.len() - 1);
            }
            let mark = if bom { "\u{feff}" } else { "" };
            (format!("{mark}{}", text.replace('\n', layout.eol)), count)
        },
    )
}

fn documents(text: &str) -> Vec<Document> {
    let stream = read(text, &Limits::default()).expect("the text is small");
    stream
        .documents
        .into_iter()
        .map(|document| document.expect("the text is valid"))
        .collect()
}

fn set(text: &str, number: usize, path: &[&str], value: &str) -> String {
    let documents = documents(text);
    let node = documents[number].root.at(path).expect("the value is there");
    let mut edits = Edits::new(text);
    edits
        .replace_scalar(node, value)
        .expect("the value can be replaced");
    edits.apply().expect("the edit reads back").to_string()
}

fn common_prefix(left: &str, right: &str) -> usize {
    left.bytes()
        .zip(right.bytes())
        .take_while(|(left, right)| left == right)
        .count()
}

fn common_suffix(left: &str, right: &str) -> usize {
    left.bytes()
        .rev()
        .zip(right.bytes().rev())
        .take_while(|(left, right)| left == right)
        .count()
}

fn style(text: &str, number: usize, path: &[&str]) -> Option<Style> {
    documents(text)[number].root.at(path).map(Node::style)
}

/// The lines of an item behind its dash, and whether a block scalar ends it; every line but the first has more
/// indentation than the dash.
fn item() -> impl Strategy<Value = (Vec<&'static str>, bool)> {
    prop::sample::select(vec![
        (vec![" plain"], false),
        (vec![""], false),
        (vec![" &anchor 'it''s' # behind"], false),
        (vec![" a: 1", "  # within", "  b: {c: [2]} # behind"], false),
        (vec!["", "  a: 1"], false),
        (vec![" - x", "  - - y", "    - z"], false),
        (vec![" |", "  # text", "", "   text"], true),
        (vec![" >-", "  folded", "  text"], true),
        (vec![" k: |", "    text"], true),
        (vec![" \"two", "  - lines\""], false),
        (vec![" [1,", "  2 # within", "  ]"], false),
        (vec![" a: 1", "    # below"], false),
        (vec![" a: 1", "", "  # below"], false),
    ])
}

/// A block sequence as pieces of text, each with the number of the item it goes with.
#[derive(Clone, Debug)]
struct Pieces {
    pieces: Vec<(Option<usize>, String)>,
    count: usize,
    path: &'static [&'static str],
    ends_with_break: bool,
}

impl Pieces {
    /// The text without the items that go, of which some stay.
    fn text(&self, gone: &[bool]) -> String {
        let stays = |owner: &Option<usize>| owner.is_none_or(|number| !gone[number]);
        let pieces = self.pieces.iter().filter(|(owner, _)| stays(owner));
        self.closed(&pieces.map(|(_, text)| text.as_str()).collect::<String>())
    }

    /// Without line breaks at the end, where the text has none. (One stays behind a block scalar.)
    fn closed(&self, text: &str) -> String {
        let open = text.trim_end_matches(['\n', '\r']);
        (if self.ends_with_break { text } else { open }).to_owned()
    }
}

fn pieces() -> impl Strategy<Value = Pieces> {
    let place = prop::sample::select(vec![
        (&[][..], "", "", ""),
        (&[], "# head\n\n---\n", "", "# end\n"),
        (&["m"], "m:\n", "", "n: 1\n"),
        (&["m"], "# head\nm: # behind\n", "  ", "# end\n"),
        (&["m", "k"], "m:\n  k:\n", "    ", "  n: 1\n"),
        (&["1"], "- 0\n-\n", "  ", "- 2\n---\nz: 1\n"),
    ]);
    let items = prop::collection::vec((item(), 0..3_usize, any::<bool>()), 1..5);
    let eol = prop::sample::select(vec!["\n", "\r\n"]);
    (place, items, eol, any::<bool>()).prop_map(|((path, head, pad, end), items, eol, closed)| {
        let mut pieces = vec![(None, head.to_owned())];
        let count = items.len();
        let mut ends_in_block_scalar = false;
        for (number, ((lines, is_block), comments, stands_apart)) in items.into_iter().enumerate() {
            if stands_apart {
                pieces.push((None, format!("{pad}# of all\n\n")));
            }
            let above = format!("{pad}# above\n").repeat(comments);
            let first = format!("{pad}-{}\n", lines[0]);
            let rest = lines[1..].iter().map(|line| match *line {
                "" => "\n".to_owned(),
                line => format!("{pad}{line}\n"),
            });
            let rest: String = rest.collect();
            pieces.push((Some(number), format!("{above}{first}{rest}")));
            ends_in_block_scalar = is_block;
        }
        pieces.push((None, end.to_owned()));
        pieces.retain(|(_, text)| !text.is_empty());
        for (_, text) in &mut pieces {
            *text = text.replace('\n', eol);
        }
        // Without its line break a block scalar would say something else.
        let ends_with_break = closed || end.is_empty() && ends_in_block_scalar;
        Pieces {
            pieces,
            count,
            path,
            ends_with_break,
        }
    })
}

fn without(text: &str, path: &[&str], gone: &[bool]) -> String {
    let documents = documents(text);
    let items = documents[0]
        .root
        .at(path)
        .and_then(Node::items)
        .expect("it is there");
    let mut edits = Edits::new(text);
    for (item, _) in items.iter().zip(gone).filter(|(_, goes)| **goes) {
        assert_eq!(edits.remove_item(&documents[0], item), Ok(true));
    }
    edits.apply().expect("the edit reads back").to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_never_panics(text in prop_oneof![any::<String>(), "[ab:\\- \n\t#'\"|>&*!{}\\[\\],?%<.~0\\\\\r]{0,60}"]) {
        let _ = read(&text, &Limits::default());
    }

    #[test]
    fn ranges_lie_in_their_parents(text in "[ab:\\- \n#'\"|>&*{}\\[\\],?0]{0,60}") {
        fn check(text: &str, node: &Node) -> bool {
            let inside = |child: &Node| {
                child.origin() != seal_manifest::Origin::Written
                    || (node.range.start <= child.range.start && child.range.end <= node.range.end)
            };
            text.get(node.range.clone()).is_some()
                && node.items().unwrap_or_default().iter().all(|item| inside(item) && check(text, item))
                && node.entries().unwrap_or_default().iter().all(|entry| {
                    inside(&entry.key) && inside(&entry.value) && check(text, &entry.value)
                })
        }
        let stream = read(&text, &Limits::default()).expect("the text is small");
        for document in stream.documents.into_iter().flatten() {
            prop_assert!(check(&text, &document.root), "{text:?}");
        }
    }

    #[test]
    fn a_value_set_and_set_back_leaves_no_trace(
        (text, count) in stream(), pick in any::<prop::sample::Index>(), value in text(),
    ) {
        let number = pick.index(count);
        let path = ["stringData", "key0"];
        let old = documents(&text)[number].root.at(&path).and_then(Node::as_str).expect("a string").to_owned();
        let edited = set(&text, number, &path, &value);
        let new = documents(&edited);
        prop_assert_eq!(new[number].root.at(&path).and_then(Node::as_str), Some(value.as_str()));
        if style(&text, number, &path) == style(&edited, number, &path) {
            prop_assert_eq!(set(&edited, number, &path, &old), text);
        }
    }

    #[test]
    fn bytes_outside_the_edited_value_stay(
        (text, count) in stream(), pick in any::<prop::sample::Index>(), value in text(),
    ) {
        let number = pick.index(count);
        let range = documents(&text)[number].root.at(&["stringData", "key0"]).expect("it is there").range.clone();
        let edited = set(&text, number, &["stringData", "key0"], &value);
        prop_assert!(common_prefix(&text, &edited) >= range.start || edited == text);
        prop_assert!(common_suffix(&text, &edited) >= text.len() - range.end || edited == text);
    }

    #[test]
    fn a_key_inserted_and_removed_leaves_no_trace(
        (text, count) in stream(), pick in any::<prop::sample::Index>(), value in text(), key in text(),
        path in prop::sample::select(vec![
            &["stringData"][..], &["metadata"], &["flow"], &["none"], &[], &["list", "0"],
        ]),
    ) {
        prop_assume!(key.len() < 200);
        let number = pick.index(count);
        let before = documents(&text);
        let mapping = before[number].root.at(path).expect("it is there");
        prop_assume!(mapping.get(&key).is_none());
        let mut edits = Edits::new(&text);
        edits.insert(&before[number], mapping, &key, &value).expect("the key is new");
        let inserted = edits.apply().expect("the edit reads back").to_string();
        let after = documents(&inserted);
        let mapping = after[number].root.at(path).expect("it is there");
        prop_assert_eq!(mapping.get(&key).and_then(Node::as_str), Some(value.as_str()));
        let mut edits = Edits::new(&inserted);
        prop_assert_eq!(edits.remove(&after[number], mapping, &key), Ok(true));
        let removed = edits.apply().expect("the edit reads back").to_string();
        prop_assert_eq!(removed, text);
    }

    #[test]
    fn each_key_of_a_mapping_can_be_removed((text, count) in stream(), pick in any::<prop::sample::Index>()) {
        let number = pick.index(count);
        let before = documents(&text);
        for entry in before[number].root.entries().unwrap_or_default() {
            let key = entry.key.as_str().expect("all keys are strings");
            let mut edits = Edits::new(&text);
            match edits.remove(&before[number], &before[number].root, key) {
                Ok(removed) => {
                    prop_assert!(removed);
                    prop_assert!(edits.apply().is_ok());
                }
                // The anchor is in use.
                Err(_) => prop_assert_eq!(key, "other"),
            }
        }
    }

    #[test]
    fn what_is_written_reads_back(strings in prop::collection::vec((text(), text()), 0..5)) {
        let mut map = Map::new();
        for (key, value) in strings {
            map.insert(value.clone(), Value::Array(vec![Value::from(key.clone()), Value::from(1)]));
            map.insert(key, Value::from(value));
        }
        let mut outer = Map::new();
        outer.insert("m".to_owned(), Value::Object(map.clone()));
        for value in [Value::Object(map), Value::Object(outer)] {
            let text = write::yaml(&value).expect("the value is writable");
            prop_assert_eq!(&documents(&text)[0].root.to_json(), &value);
            let oracle: Value = serde_saphyr::from_str(&text).expect("another reader reads it");
            prop_assert_eq!(&oracle, &value);
            let json = write::json(&value).expect("the value is writable");
            prop_assert_eq!(&documents(&json)[0].root.to_json(), &value);
        }
    }

    #[test]
    fn json_is_edited_as_yaml_is(values in prop::collection::vec(text(), 1..4), value in text(), pretty in any::<bool>()) {
        let map: Map<_, _> = values.iter().enumerate().map(|(n, v)| (format!("key{n}"), Value::from(v.as_str()))).collect();
        let object = Value::Object(map);
        let text = if pretty { write::json(&object).expect("writable").to_string() } else { object.to_string() };
        let edited = set(&text, 0, &["key0"], &value);
        let read = documents(&edited);
        prop_assert_eq!(read[0].root.get("key0").and_then(Node::as_str), Some(value.as_str()));
        let before = documents(&text);
        let mut edits = Edits::new(&text);
        edits.insert(&before[0], &before[0].root, "new", &value).expect("the key is new");
        let inserted = edits.apply().expect("the edit reads back").to_string();
        let after = documents(&inserted);
        let mut edits = Edits::new(&inserted);
        prop_assert_eq!(edits.remove(&after[0], &after[0].root, "new"), Ok(true));
        let removed = edits.apply().expect("the edit reads back").to_string();
        prop_assert_eq!(removed, text);
    }

    #[test]
    fn an_item_that_goes_takes_its_own_bytes_and_no_others(
        pieces in pieces(), gone in prop::collection::vec(any::<bool>(), 4),
    ) {
        let gone = &gone[..pieces.count];
        let text = pieces.text(&vec![false; pieces.count]);
        let edited = without(&text, pieces.path, gone);
        let (before, after) = (documents(&text), documents(&edited));
        let old = before[0].root.at(pieces.path).and_then(Node::items).expect("it is there");
        let stay: Vec<_> = old.iter().zip(gone).filter(|(_, goes)| !**goes).map(|(item, _)| item.to_json()).collect();
        let mut root = before[0].root.to_json();
        let pointer: String = pieces.path.iter().map(|key| format!("/{key}")).collect();
        *root.pointer_mut(&pointer).expect("it is there") = stay.into();
        prop_assert_eq!(after[0].root.to_json(), root);
        prop_assert_eq!(after.len(), before.len());
        if gone.contains(&false) {
            prop_assert_eq!(pieces.closed(&edited), pieces.text(gone));
        }
    }

    #[test]
    fn an_item_in_brackets_goes_as_if_it_had_never_been_there(
        strings in prop::collection::vec((text(), any::<bool>()), 1..6), layout in 0..4_usize,
    ) {
        let list = |strings: &[(String, bool)]| {
            let items: Vec<_> = strings.iter().map(|(text, _)| Value::from(text.as_str()).to_string()).collect();
            match layout {
                _ if items.is_empty() => "[]".to_owned(),
                0 => format!("[{}]", items.join(",")),
                1 => format!("[ {} ]", items.join(" , ")),
                2 => format!("[\n  {}\n]", items.join(",\n  ")),
                _ => format!("[{}, ]", items.join(", ")),
            }
        };
        let gone: Vec<_> = strings.iter().map(|(_, goes)| *goes).collect();
        let stay: Vec<_> = strings.iter().filter(|(_, goes)| !goes).cloned().collect();
        // Readers disagree on some characters, which no document holds.
        prop_assume!(read(&list(&strings), &Limits::default()).is_ok_and(|read| read.documents[0].is_ok()));
        prop_assert_eq!(without(&list(&strings), &[], &gone), list(&stay));
    }
}
