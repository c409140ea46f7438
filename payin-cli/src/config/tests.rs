//! What goes before what.

use super::*;
use crate::profiles::{Keeping, Profile};

fn access(base_url: Option<&str>, profile: Option<&str>) -> Access {
    Access { base_url: base_url.map(str::to_owned), profile: profile.map(str::to_owned), allow_http: false }
}

fn code(failure: Failure) -> String {
    let Failure::Told(report) = failure else { panic!() };
    format!("{} {}", report.exit_code, report.code)
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_profile() {
    let home = tempfile::tempdir().unwrap();
    let mut variables = Variables { folder: Some(home.path().to_owned()), ..Variables::default() };
    let resolve = |access: &Access, variables: &Variables| {
        credentials(access, variables).map(|found| (found.api_key.expose_secret().to_owned(), found.base_url))
    };
    assert_eq!(code(resolve(&access(None, None), &variables).unwrap_err()), "4 NO_API_KEY");
    assert_eq!(code(resolve(&access(None, Some("shop")), &variables).unwrap_err()), "4 NO_PROFILE");

    let profiles = variables.profiles().unwrap();
    for (name, url) in [("default", Some("https://a.test")), ("shop", Some("https://b.test")), ("bare", None)] {
        let kept = Profile::new(url.map(str::to_owned), false);
        let key = Secret::Key(format!("pk_test_{name}").into());
        profiles.locked().unwrap().put(name, kept, &key, Keeping::File).unwrap();
    }
    let of = |name: &str, url: Option<&str>| Ok::<_, ()>((format!("pk_test_{name}"), url.map(str::to_owned)));
    assert_eq!(resolve(&access(None, None), &variables).map_err(|_| ()), of("default", Some("https://a.test")));
    assert_eq!(resolve(&access(None, Some("shop")), &variables).map_err(|_| ()), of("shop", Some("https://b.test")));
    assert_eq!(resolve(&access(None, Some("bare")), &variables).map_err(|_| ()), of("bare", None));
    variables.profile = Some("shop".to_owned());
    assert_eq!(resolve(&access(None, None), &variables).map_err(|_| ()), of("shop", Some("https://b.test")));
    assert_eq!(resolve(&access(None, Some("bare")), &variables).map_err(|_| ()), of("bare", None));
    variables.base_url = Some("https://c.test".to_owned());
    assert_eq!(resolve(&access(None, None), &variables).map_err(|_| ()), of("shop", Some("https://c.test")));
    assert_eq!(resolve(&access(Some("https://d.test"), None), &variables).map_err(|_| ()), of("shop", Some("https://d.test")));
    // The environment's key is not sent to the profile's server.
    (variables.base_url, variables.api_key) = (None, Some("pk_test_env".into()));
    assert_eq!(resolve(&access(None, Some("shop")), &variables).map_err(|_| ()), of("env", None));
}

#[test]
fn a_key_is_not_sent_to_the_other_environment_nor_in_clear() {
    let refused = |key: &str, url: Option<&str>, allow_http: bool| {
        let found = Credentials { api_key: key.into(), source: String::new(), base_url: url.map(str::to_owned), allow_http };
        client(&found).err().map(code)
    };
    let (production, testnet) = ("https://app.payin.com/", "https://TESTNET.payin.com/api/v1");
    assert_eq!(refused("pk_test_x", Some(production), false).as_deref(), Some("4 WRONG_ENVIRONMENT"));
    assert_eq!(refused("pk_live_x", Some(testnet), false).as_deref(), Some("4 WRONG_ENVIRONMENT"));
    for (key, url) in
        [("pk_live_x", Some(production)), ("pk_test_x", Some(testnet)), ("pk_live_x", None), ("pk_test_x", Some("https://own.test"))]
    {
        assert_eq!(refused(key, url, false), None, "{key} {url:?}");
    }
    assert_eq!(refused("pk_test_x", Some("http://10.0.0.1:3000"), false).as_deref(), Some("2 CONFIG"));
    assert_eq!(refused("pk_test_x", Some("http://10.0.0.1:3000"), true), None);
}
