//! The seam for other APIs beside the native one, over the same use cases: whose a path is, who answers there, and how that API says no.
//! What they are is in a folder each; this file knows none by name.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::response::Response;
use payin_core::Error;
use payin_types::Timestamp;

use crate::app::App;

/// What the native API is called in the configuration.
pub const NATIVE: &str = "payin";

/// A request that is refused.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its id, also in the answer's `X-Request-Id`.
    pub request_id: &'a str,
    /// How it was asked.
    pub method: &'a Method,
    /// The time.
    pub now: Timestamp,
}

/// Another API: its routes with their handlers, whose extractors say who may call, and its errors. What use cases must know of it is said
/// under its name in `payin_core::dialect`.
pub trait Dialect: Send + Sync {
    /// What the configuration calls it.
    fn name(&self) -> &'static str;

    /// Its routes, by their whole paths.
    fn routes(&self) -> Router<Arc<App>>;

    /// Whether a path is its own, whether or not there is something at it: then it says no there, in its own form.
    fn owns(&self, path: &str) -> bool;

    /// How it says no: the whole answer. The router's own refusals come here too, with an `Allow` that is added later.
    fn refusal(&self, error: &Error, asked: &Asked<'_>) -> Response;
}

/// The APIs that a server speaks.
#[derive(Clone)]
pub struct Apis {
    native: bool,
    dialects: Arc<[Arc<dyn Dialect>]>,
}

impl fmt::Debug for Apis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Apis {
    /// All that there are.
    #[must_use]
    pub fn all() -> Self {
        Self { native: true, dialects: super::dialects().into() }
    }

    /// These.
    ///
    /// # Errors
    /// A name that is none, or none at all.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let all = Self::all();
        let names: Vec<&str> = names.into_iter().collect();
        if let Some(unknown) = names.iter().find(|name| !all.names().contains(name)) {
            return Err(format!("there is no API \"{unknown}\"; there are {}", all.names().join(", ")));
        }
        let dialects = all.dialects.iter().filter(|dialect| names.contains(&dialect.name())).cloned().collect();
        let apis = Self { native: names.contains(&NATIVE), dialects };
        if apis.names().is_empty() { Err("name at least one".to_owned()) } else { Ok(apis) }
    }

    /// What they are called.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.native.then_some(NATIVE).into_iter().chain(self.dialects.iter().map(|dialect| dialect.name())).collect()
    }

    /// Whether the native API is one of them.
    pub(super) fn has_native(&self) -> bool {
        self.native
    }

    /// The routes of the others.
    pub(super) fn routes(&self) -> Router<Arc<App>> {
        self.dialects.iter().fold(Router::new(), |router, dialect| router.merge(dialect.routes()))
    }

    /// Whose a path is; `None`: the native API's, or nobody's.
    pub(super) fn owner(&self, path: &str) -> Option<&dyn Dialect> {
        self.dialects.iter().find(|dialect| dialect.owns(path)).map(AsRef::as_ref)
    }
}

/// Whether a path is one of these, or below it.
#[must_use]
pub fn is_below(path: &str, roots: &[&str]) -> bool {
    roots.iter().any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apis_are_known_by_name() {
        let all = Apis::all().names();
        assert_eq!(all.first(), Some(&NATIVE));
        assert_eq!(Apis::named(all.iter().copied()).unwrap().names(), all);
        assert_eq!(Apis::named([NATIVE]).unwrap().names(), [NATIVE]);
        assert!(Apis::named([NATIVE, "paypal"]).unwrap_err().contains("\"paypal\"; there are payin"));
        assert!(Apis::named([]).is_err());
    }

    #[test]
    fn a_path_is_below_whole_segments_alone() {
        let below = |path| is_below(path, &["/api/v1/a", "/api/v1/b/c"]);
        assert!(["/api/v1/a", "/api/v1/a/", "/api/v1/a/x/y", "/api/v1/b/c"].into_iter().all(below));
        assert!(!["/api/v1/ab", "/api/v1", "/api/v1/b", "/api/v1/b/cd", "/x/api/v1/a"].into_iter().any(below));
    }
}
