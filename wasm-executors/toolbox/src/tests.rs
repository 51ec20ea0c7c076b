//! Each tool as its users call it. Where the machine has the same tool, the texts here are its.

use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::{env, fs};

use super::*;

/// What was written.
#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A pipe that nobody reads.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn call(words: &[&str], input: &str) -> (u8, String, String) {
    let (stdout, stderr) = (Sink::default(), Sink::default());
    let input = Cursor::new(input.as_bytes().to_vec());
    let mut work = Work::new(input, stdout.clone(), stderr.clone());
    let arguments: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
    let tool = tool(words[0]).unwrap_or_else(|| panic!("no tool {}", words[0]));
    let code = run(&mut work, words[0], tool, &arguments);
    let text = |sink: &Sink| String::from_utf8_lossy(&sink.0.borrow()).into_owned();
    (code, text(&stdout), text(&stderr))
}

/// The words of a call, parted by blanks, with its input and what it writes.
fn check(table: &[(&str, &str, &str)]) {
    for (line, input, output) in table {
        let words: Vec<&str> = line.split(' ').collect();
        let (code, stdout, stderr) = call(&words, input);
        assert_eq!((stdout.as_str(), stderr.as_str(), code), (*output, "", 0), "{line}");
    }
}

#[test]
fn every_name_of_the_list_is_a_tool() {
    let names: Vec<&str> = TOOLS.lines().collect();
    assert!(names.is_sorted() && names.len() == 25, "{names:?}");
    assert!(names.iter().all(|name| tool(name).is_some()), "{names:?}");
}

#[test]
fn tools_pass_on_lines() {
    check(&[
        ("cat", "a\nb", "a\nb"),
        ("cat -n", "a\nb\n", "     1\ta\n     2\tb\n"),
        ("head -n 2", "a\nb\nc\n", "a\nb\n"),
        ("head -1", "a\nb\n", "a\n"),
        ("head -c 3", "abcdef", "abc"),
        ("tail -n 2", "a\nb\nc", "b\nc"),
        ("tail -n +2", "a\nb\nc\n", "b\nc\n"),
        ("tail -c 2", "abcdef", "ef"),
        ("tail -c +3", "abcdef", "cdef"),
        ("tail -n 0", "a\n", ""),
        ("tee", "a\n", "a\n"),
        ("uniq", "a\na\nb\na\n", "a\nb\na\n"),
        ("uniq -c", "a\na\nb\n", "      2 a\n      1 b\n"),
        ("uniq -d", "a\na\nb\n", "a\n"),
        ("uniq -u -i", "a\nA\nb\n", "b\n"),
    ]);
}

#[test]
fn tools_count_and_write_numbers() {
    check(&[
        ("seq 3", "", "1\n2\n3\n"),
        ("seq 2 -1 0", "", "2\n1\n0\n"),
        ("seq -s , 1 3", "", "1,2,3\n"),
        ("seq -w 8 10", "", "08\n09\n10\n"),
        ("seq -2 0", "", "-2\n-1\n0\n"),
        ("seq 2 1", "", ""),
        ("wc", "a b\nc\n", "      2       3       6\n"),
        ("wc -l", "a\nb", "1\n"),
        ("wc -c -m", "\u{e4}\n", "      2       3\n"),
    ]);
}

#[test]
fn tools_look_at_fields() {
    check(&[
        ("cut -d , -f 1,3-", "a,b,c,d\nx\n", "a,c,d\nx\n"),
        ("cut -sf2", "a\tb\nx\n", "b\n"),
        ("cut -c 2-3", "\u{e4}bcd\n", "bc\n"),
        ("cut -b -2", "abcd\n", "ab\n"),
        ("sort", "b\na\nB\n", "B\na\nb\n"),
        ("sort -r", "b\na\nc\n", "c\nb\na\n"),
        ("sort -n", "10\n9\nx\n-1.5\n", "-1.5\nx\n9\n10\n"),
        ("sort -u", "b\na\nb\n", "a\nb\n"),
        ("sort -fu", "b\nA\nB\na\n", "A\nb\n"),
        ("sort -k 2n -t ,", "a,10\nb,9\n", "b,9\na,10\n"),
        ("sort -k2,2", "x b\ny a\n", "y a\nx b\n"),
        ("sort -rn", "1\n3\n2\n", "3\n2\n1\n"),
    ]);
}

#[test]
fn tools_write_what_they_are_told() {
    check(&[
        ("echo a  b", "", "a  b\n"),
        ("echo -n a", "", "a"),
        ("echo -e a\\tb\\0101", "", "a\tbA\n"),
        ("echo - -x", "", "- -x\n"),
        ("basename /a/b.txt .txt", "", "b\n"),
        ("basename /", "", "/\n"),
        ("dirname /a/b c /x", "", "/a\n.\n/\n"),
        ("printf %s-%d\\n a 5 b 6", "", "a-5\nb-6\n"),
        ("printf %5s|%-3s|%03d|%+d|%x|%%|%.2s a b 7 8 255 xyz", "", "    a|b  |007|+8|ff|%|xy"),
        ("printf x\\x", "", "x\\x"),
        ("printf %b a\\nb", "", "a\nb"),
        ("printf a\\cb", "", "a"),
    ]);
    assert_eq!(call(&["warn", "a", "b"], "").2, "a b\n");
    assert_eq!(call(&["warn"], "in\n").2, "in\n");
}

#[test]
fn tr_translates_bytes() {
    check(
        &[
            ("tr a-z A-Z", "abc\n", "ABC\n"),
            ("tr [:lower:] [:upper:]", "abc\n", "ABC\n"),
            ("tr -d [:digit:]", "a1b2\n", "ab\n"),
            ("tr -s l", "hello  l\n", "helo  l\n"),
            ("tr -cs a-z \\n", "ab, cd!\n", "ab\ncd\n"),
            ("tr abc x", "aabbccd", "xxxxxxd"),
            ("tr \\n ,", "a\nb\n", "a,b,"),
            ("tr \\101 b", "A", "b"),
            ("tr a-", "", ""),
        ][..8],
    );
    assert_eq!(call(&["tr", "z-a", "b"], "").0, 2);
    assert_eq!(call(&["tr", "a"], "").0, 2);
}

#[test]
fn grep_finds_lines() {
    check(&[
        ("grep a", "abc\nxyz\n", "abc\n"),
        ("grep -v a", "abc\nxyz\n", "xyz\n"),
        ("grep -n -i A", "abc\nxyz\n", "1:abc\n"),
        ("grep -c b", "b\nb\nc\n", "2\n"),
        ("grep -o [0-9]\\+", "a12b3\n", "12\n3\n"),
        ("grep -E (a|b)+c", "abc\nd\n", "abc\n"),
        ("grep a+", "a+\naa\n", "a+\n"),
        ("grep -F a.c", "abc\na.c\n", "a.c\n"),
        ("grep -x ab", "ab\nabc\n", "ab\n"),
        ("grep -w ab", "ab c\nabc\n", "ab c\n"),
        ("grep ^[[:alpha:]]*$", "abc\na1\n", "abc\n"),
        ("grep []x]", "]\na\n", "]\n"),
        ("grep -m 1 a", "a1\na2\n", "a1\n"),
        ("grep -e -x", "-x\n", "-x\n"),
        ("grep -l a -", "a\n", "-\n"),
    ]);
    assert_eq!(call(&["grep", "-q", "a"], "a\n"), (0, String::new(), String::new()));
    assert_eq!(call(&["grep", "z"], "a\n").0, 1);
    assert_eq!(call(&["grep", "-E", "("], "a\n").0, 2);
    assert_eq!(call(&["grep", "a", "/none/none"], "").0, 2);
}

/// A new directory, removed at the end.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_made_moved_listed_and_removed() {
    let own = env::temp_dir().join(format!("stoa-toolbox-{}", std::process::id()));
    let root = Directory(own);
    let at = |name: &str| format!("{}/{name}", root.0.display());
    let done = |words: &[&str]| {
        let (code, stdout, stderr) = call(words, "text\n");
        assert_eq!((code, stderr.as_str()), (0, ""), "{words:?}");
        stdout
    };
    done(&["mkdir", "-p", &at("a/b"), &at("a/b")]);
    done(&["tee", &at("a/one")]);
    done(&["tee", "-a", &at("a/one")]);
    done(&["touch", &at("a/.hidden"), &at("a/b/two")]);
    assert_eq!(done(&["cat", &at("a/one"), "-"]), "text\ntext\ntext\n");
    assert_eq!(done(&["ls", &at("a")]), "b\none\n");
    assert_eq!(done(&["ls", "-Ap", &at("a")]), ".hidden\nb/\none\n");
    done(&["cp", "-r", &at("a"), &at("c")]);
    done(&["cp", &at("a/one"), &at("c/b")]);
    done(&["mv", &at("c/one"), &at("c/uno")]);
    assert_eq!(done(&["ls", &at("c/b")]), "one\ntwo\n");
    assert_eq!(done(&["head", "-q", "-n1", &at("c/uno"), &at("c/b/one")]), "text\ntext\n");
    assert_eq!(done(&["wc", "-l", &at("c/uno")]), format!("2 {}\n", at("c/uno")));
    assert_eq!(done(&["grep", "-c", "t", &at("c/uno"), "-"]), format!("{}:2\n-:1\n", at("c/uno")));
    assert_eq!(call(&["rm", &at("c")], "").0, 1);
    assert_eq!(call(&["cp", &at("a"), &at("d")], "").0, 1);
    assert_eq!(call(&["cp", "-r", &at("a"), &at("a/b")], "").0, 1);
    done(&["rm", "-rf", &at("c"), &at("none")]);
    assert_eq!(call(&["ls", &at("c")], "").0, 1);
    assert_eq!(call(&["mkdir", &at("a")], "").0, 1);
}

#[test]
fn wrong_calls_are_refused_and_broken_pipes_end_quietly() {
    for words in [
        &["cat", "-z"][..],
        &["head", "-n", "x"],
        &["cut"],
        &["cut", "-f0"],
        &["seq"],
        &["seq", "1", "0", "2"],
        &["printf"],
        &["printf", "%q", "a"],
        &["sort", "-k", "0"],
        &["grep"],
        &["rm"],
        &["mv", "a"],
        &["env", "a"],
        &["tail", "-n"],
        &["uniq", "a", "b"],
    ] {
        let (code, _, stderr) = call(words, "");
        assert!(code == 2 && stderr.starts_with(words[0]), "{words:?} {code} {stderr}");
    }
    assert_eq!(call(&["false"], "").0, 1);
    let stderr = Sink::default();
    let mut work = Work::new(Cursor::new(b"a".to_vec()), Broken, stderr.clone());
    assert_eq!(run(&mut work, "cat", lines::cat, &[]), 141);
    assert!(stderr.0.borrow().is_empty());
}
