//! The examples of the vendor's documents, as they are after the repairs that `fixtures/seeds/repairs.json` lists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// One example and what it is an example of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// The file in `fixtures/seeds`; a request without a body has none.
    pub file: Option<String>,
    /// The document: `000` (API Reference), `001` (Orders API), `002` (Deposits API), `003` (CryptoPay API) or `004` (PayWarden's Payments API).
    pub seed: String,
    /// The headings under which it stands there.
    pub place: String,
    pub kind: Kind,
    pub method: String,
    /// The path as it is called, with its query.
    pub path: String,
    /// Of a response.
    pub status: Option<u16>,
    /// Of a request, beyond those of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub repairs: Vec<Repair>,
    /// The file's text; empty without a file.
    #[serde(skip)]
    pub text: String,
    /// The file's JSON; `Null` without a file.
    #[serde(skip)]
    pub body: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Request,
    Response,
}

/// What was changed in an example, and why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// The kind of slip; `fixtures/seeds/README.md` explains each.
    pub slip: String,
    /// Where in the JSON; absent if only the text around it was wrong.
    pub pointer: Option<String>,
    pub from: String,
    pub to: Value,
    pub why: String,
}

impl Fixture {
    /// Names it in a test's message.
    #[must_use]
    pub fn name(&self) -> String {
        let file = self.file.as_deref().unwrap_or("no file");
        format!("document {}, {} ({file})", self.seed, self.place)
    }
}

/// The folder of the fixtures.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/seeds")
}

/// Every example, in the documents' order. Panics if a file is missing or is not JSON.
#[must_use]
pub fn all() -> Vec<Fixture> {
    #[derive(Deserialize)]
    struct Table {
        fixtures: Vec<Fixture>,
    }
    let table: Table = serde_json::from_str(&read("repairs.json")).unwrap_or_else(|e| panic!("repairs.json: {e}"));
    let fill = |mut fixture: Fixture| {
        if let Some(file) = &fixture.file {
            fixture.text = read(file);
            fixture.body = serde_json::from_str(&fixture.text).unwrap_or_else(|e| panic!("{file}: {e}"));
        }
        fixture
    };
    table.fixtures.into_iter().map(fill).collect()
}

/// The examples that are requests, or those that are responses, of one operation; `path` without its query.
#[must_use]
pub fn of(kind: Kind, method: &str, path: &str) -> Vec<Fixture> {
    let fits = |f: &Fixture| f.kind == kind && f.method == method && f.path.split('?').next() == Some(path);
    all().into_iter().filter(fits).collect()
}

fn read(file: &str) -> String {
    let path = folder().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
