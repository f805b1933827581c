use super::*;

#[test]
fn dump() {
    for y in [
        "a: |\n  x\n\n  y\n\n\nb: >-  # c\n  q\n",
        "a:\nb: # c\n  \nc:   # d\n- x\n-\n- &a\n- !!str\n",
        "k: |+\n  a\n\n\nz: 1\n",
        "k: |\n  a",
        "k: |-\n\nz: 1\n",
        "{a: , b, c: [1, ], \"d\":2, ? e : f}",
        "--- !!map\na: &x {b: c}\nc: *x\n# why?\nd: 1\n? e\n: f\n? g\n: |\n  x\n",
        "a: x\n  y\n  # no\nb: 'c\n\n  d'\n",
        "\u{feff}a: 1\r\nb: \"é\" # c\r\n",
        "- |2\n    a\n- - b\n  - c\n",
        "a: # c\n\n  # d\n  b: c\n  # e\nd: e\n# end\n",
        "%YAML 1.1\n---\na: 1\n...\n",
        "a: &x\n  !!map\n  b: c\n",
        "[a: b, {c}, ? d : e]",
        "base: &b {x: 1}\nm:\n  <<: *b\n  y: 2\n",
        "{\"a\":1, \"b\": [1,2.5,\"x\\ud83d\\ude00\"]}\n{\"c\": null}",
    ] {
        eprintln!("=== {y:?}");
        let s = read(y, &Limits::default()).unwrap();
        for d in s.documents {
            match d {
                Err(e) => eprintln!("ERR {e}"),
                Ok(d) => {
                    eprintln!("{:?} {} end {}", d.range, d.line, d.end);
                    show(y, &d.root, 1)
                }
            }
        }
    }
}
fn show(t: &str, n: &Node, i: usize) {
    let pad = "  ".repeat(i);
    eprintln!(
        "{pad}{:?} {:?} start{} {:?} {:?} {:?} sh{} merges{:?}",
        n.range,
        &t[n.range.clone()],
        n.start,
        n.position,
        n.style,
        n.origin,
        n.shared,
        n.merges
    );
    if let Some(s) = n.scalar() {
        eprintln!("{pad} = {:?} {:?}", s.text(), s.kind())
    }
    for x in n.items().unwrap_or_default() {
        show(t, x, i + 1)
    }
    for e in n.entries().unwrap_or_default() {
        eprintln!("{pad} entry start {} colon {:?}", e.start, e.colon);
        show(t, &e.key, i + 1);
        show(t, &e.value, i + 2)
    }
}
