//! What pages are made of: tables, forms, fields. A page says what is in them; how they look is one template each, so that all pages look
//! alike and every text is escaped in one place. It must not know what a page is about.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use payin_core::Error;
use payin_types::{Pagination, Timestamp};

use super::form::Form as Sent;
use super::frame::{Frame, page};
use super::said;
use super::words::Words;
use crate::http::page::Moment;

/// A page.
#[derive(Template)]
#[template(path = "dashboard/page.html")]
pub struct Page {
    pub frame: Frame,
    pub title: String,
    /// Where one comes from, and what that is called.
    pub back: Option<(String, &'static str)>,
    /// What was done, or why nothing was.
    pub notice: Option<Notice>,
    pub blocks: Vec<Block>,
}

/// Something that is said above everything else.
pub struct Notice {
    pub is_bad: bool,
    pub text: String,
    /// More of it, an item each.
    pub items: Vec<String>,
    /// Shown once, to be copied.
    pub secret: Option<String>,
}

impl Notice {
    /// That it is done.
    pub fn good(text: impl Into<String>) -> Self {
        Self { is_bad: false, text: text.into(), items: Vec::new(), secret: None }
    }

    /// That it is done, with what is shown once.
    pub fn secret(text: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { secret: Some(secret.into()), ..Self::good(text) }
    }

    /// Why nothing was done.
    pub fn bad(t: &Words, error: &Error) -> Self {
        let details = error.details.as_ref().and_then(|details| details.as_array()).map(Vec::as_slice).unwrap_or_default();
        let text_of = |detail: &serde_json::Value, name: &str| detail.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let line = |detail: &serde_json::Value| {
            let line = detail.get("line")?.as_u64()?;
            let address = text_of(detail, "address").unwrap_or_default();
            Some((t.line)(line, &address, &said::problem(t, &text_of(detail, "error")?)))
        };
        Self {
            is_bad: true,
            text: format!("{} {}", t.not_done, said::refusal(t, error)),
            items: details.iter().filter_map(line).collect(),
            secret: None,
        }
    }
}

/// A part of a page.
pub enum Block {
    Heading(String),
    Text(String),
    /// With its tone.
    Note(&'static str, String),
    Stats(Vec<Stat>),
    Table(Table),
    Pager(Pager),
    Fields(Vec<(String, Cell)>),
    Form(Form),
    Actions(Vec<Action>),
    Links(Vec<Cell>),
    Code(String),
    /// An image that was drawn here.
    Picture(String),
    Chart(super::chart::Chart),
}

/// A figure.
pub struct Stat {
    pub label: &'static str,
    pub value: String,
    pub href: Option<String>,
}

/// A list.
pub struct Table {
    /// What it is, for those who do not see where it stands.
    pub name: String,
    pub head: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
    /// What is said where it has no rows.
    pub empty: &'static str,
}

impl Table {
    /// What a column is called; templates pass its number by reference.
    fn label(&self, column: &usize) -> &'static str {
        self.head.get(*column).copied().unwrap_or_default()
    }
}

/// How a text is set.
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum Set {
    Plain,
    Code,
    /// A code that is long and seldom read to its end: where there is little room only its beginning is seen, all of it is there.
    Clipped,
    Number,
    Badge,
    Time,
    /// To the second.
    ExactTime,
}

/// What fits into a line of a narrow column.
const LINE: usize = 24;

/// A text in a table or a field.
pub struct Cell {
    pub text: String,
    pub set: Set,
    /// Where it leads.
    pub href: Option<String>,
    /// `good`, `warn`, `bad`, `wait`, or nothing.
    pub tone: &'static str,
    /// A time as programs read it.
    pub iso: String,
    pub action: Option<Action>,
    /// Whether it is there to be copied.
    pub is_copied: bool,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), set: Set::Plain, href: None, tone: "", iso: String::new(), action: None, is_copied: false }
    }

    pub fn code(text: impl Into<String>) -> Self {
        Self { set: Set::Code, ..Self::text(text) }
    }

    pub fn clipped(text: impl Into<String>) -> Self {
        Self { set: Set::Clipped, ..Self::text(text) }
    }

    pub fn number(text: impl std::fmt::Display) -> Self {
        Self { set: Set::Number, ..Self::text(text.to_string()) }
    }

    pub fn badge(text: impl Into<String>, tone: &'static str) -> Self {
        Self { set: Set::Badge, tone, ..Self::text(text) }
    }

    pub fn time(at: Timestamp) -> Self {
        let moment = Moment::new(at);
        Self { set: Set::Time, iso: moment.iso, ..Self::text(moment.text) }
    }

    pub fn exact_time(at: Timestamp) -> Self {
        let moment = Moment::exact(at);
        Self { set: Set::ExactTime, iso: moment.iso, ..Self::text(moment.text) }
    }

    pub fn maybe_time(at: Option<Timestamp>) -> Self {
        at.map_or_else(|| Self::text("–"), Self::time)
    }

    pub fn maybe(text: Option<impl Into<String>>) -> Self {
        Self::text(text.map_or_else(|| "–".to_owned(), Into::into))
    }

    pub fn does(action: Action) -> Self {
        Self { action: Some(action), ..Self::text("") }
    }

    #[must_use]
    pub fn to(self, href: String) -> Self {
        Self { href: Some(href), ..self }
    }

    #[must_use]
    pub fn copied(self) -> Self {
        Self { is_copied: true, ..self }
    }

    /// Whether it is more than a line: then it is set as one reads, and no number is held together.
    fn is_long(&self) -> bool {
        self.set != Set::Clipped && self.text.chars().count() > LINE
    }
}

/// A text as one segment of a path.
pub fn segment(text: &str) -> String {
    // What a form encodes is more than a path needs to; only a space is written otherwise there.
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The ways to a list's other pages.
pub struct Pager {
    pub text: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Pager {
    /// For a page of a list that was asked for like this.
    pub fn new(t: &Words, path: &str, asked: &Sent, at: &Pagination) -> Self {
        let rest = asked.query_without("page");
        let link = |page: u64| format!("{path}?{rest}{}page={page}", if rest.is_empty() { "" } else { "&" });
        Self {
            text: (t.page_of)(at.page, at.total_pages.max(1), at.total),
            before: (at.page > 1).then(|| link(at.page.saturating_sub(1))),
            after: at.has_more.then(|| link(at.page.saturating_add(1))),
        }
    }
}

/// A form with one button and nothing to fill in.
pub struct Action {
    pub action: String,
    pub label: &'static str,
    pub hidden: Vec<(&'static str, String)>,
    /// Whether it is asked again before, because it cannot be taken back.
    pub is_grave: bool,
}

impl Action {
    pub fn new(action: impl Into<String>, label: &'static str) -> Self {
        Self { action: action.into(), label, hidden: Vec::new(), is_grave: false }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn grave(self) -> Self {
        Self { is_grave: true, ..self }
    }
}

/// A form.
pub struct Form {
    pub title: &'static str,
    pub action: String,
    /// Whether it only asks for a list; others change something.
    pub is_search: bool,
    /// Whether it sends files.
    pub has_files: bool,
    pub fields: Vec<Field>,
    pub button: &'static str,
    /// Whether it is folded up until somebody wants it.
    pub is_folded: bool,
}

impl Form {
    /// A form that changes something.
    pub fn new(title: &'static str, action: impl Into<String>, button: &'static str, fields: Vec<Field>) -> Self {
        let action: String = action.into();
        let place: String = action.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let fields = fields.into_iter().map(|field| Field { id: format!("{place}-{}", field.name), ..field }).collect();
        Self { title, action, is_search: false, has_files: false, fields, button, is_folded: false }
    }

    /// A form that asks for a list.
    pub fn search(title: &'static str, action: &str, button: &'static str, fields: Vec<Field>) -> Self {
        let form = Self::new(title, action, button, fields);
        let fields = form.fields.into_iter().map(|field| Field { id: format!("search{}", field.id), ..field }).collect();
        Self { is_search: true, fields, ..form }
    }

    /// The same, folded up unless it was sent already.
    #[must_use]
    pub fn folded(self, is_sent: bool) -> Self {
        Self { is_folded: !is_sent, ..self }
    }
}

/// What a field is.
#[derive(PartialEq, Eq)]
pub enum Kind {
    /// The input's type.
    Line(&'static str),
    Area,
    Choice(Vec<(String, String)>),
    Checks(Vec<(String, String, bool)>),
    File,
    Hidden,
}

/// A field of a form.
pub struct Field {
    /// Unlike any other's on its page.
    pub id: String,
    pub name: &'static str,
    pub label: &'static str,
    pub kind: Kind,
    pub value: String,
    pub hint: Option<&'static str>,
    pub is_required: bool,
    /// What a browser may fill in.
    pub autocomplete: &'static str,
}

impl Field {
    fn of(name: &'static str, label: &'static str, kind: Kind, value: impl Into<String>) -> Self {
        Self { id: name.to_owned(), name, label, kind, value: value.into(), hint: None, is_required: false, autocomplete: "off" }
    }

    pub fn line(name: &'static str, label: &'static str, value: impl Into<String>) -> Self {
        Self::of(name, label, Kind::Line("text"), value)
    }

    pub fn typed(name: &'static str, label: &'static str, kind: &'static str, value: impl Into<String>) -> Self {
        Self::of(name, label, Kind::Line(kind), value)
    }

    pub fn area(name: &'static str, label: &'static str, value: impl Into<String>) -> Self {
        Self::of(name, label, Kind::Area, value)
    }

    pub fn file(name: &'static str, label: &'static str) -> Self {
        Self::of(name, label, Kind::File, "")
    }

    pub fn hidden(name: &'static str, value: impl Into<String>) -> Self {
        Self::of(name, "", Kind::Hidden, value)
    }

    pub fn choice(name: &'static str, label: &'static str, options: Vec<(String, String)>, value: impl Into<String>) -> Self {
        Self::of(name, label, Kind::Choice(options), value)
    }

    pub fn checks(name: &'static str, label: &'static str, options: Vec<(String, String, bool)>) -> Self {
        Self::of(name, label, Kind::Checks(options), "")
    }

    #[must_use]
    pub fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    #[must_use]
    pub fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    #[must_use]
    pub fn filled(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }
}

impl Page {
    #[must_use]
    pub fn back_to(self, href: impl Into<String>, label: &'static str) -> Self {
        Self { back: Some((href.into(), label)), ..self }
    }

    #[must_use]
    pub fn says(self, notice: Option<Notice>) -> Self {
        Self { notice: notice.or(self.notice), ..self }
    }

    #[must_use]
    pub fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    #[must_use]
    pub fn with_if(self, block: Option<Block>) -> Self {
        match block {
            Some(block) => self.with(block),
            None => self,
        }
    }

    /// As an answer: with the status of what went wrong, if something did.
    pub fn answer(self, error: Option<&Error>) -> Response {
        let status = error.and_then(|error| StatusCode::from_u16(error.code.status()).ok()).unwrap_or(StatusCode::OK);
        page(status, &self)
    }
}
