//! What is kept, and from whom.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use payin_sdk::cryptopay::Tokens;

use super::*;

fn report(failure: Failure) -> Box<crate::failure::Report> {
    let Failure::Told(report) = failure else { panic!() };
    report
}

fn key(text: &str) -> Secret {
    Secret::Key(text.into())
}

#[test]
fn keys_come_and_go() {
    let home = tempfile::tempdir().unwrap();
    let profiles = Profiles::at(home.path().join("deep/payin"));
    let locked = profiles.locked().unwrap();
    assert!(profiles.get("default").unwrap().is_none() && !locked.remove("default").unwrap());
    let shop = Profile::new(Some("https://a.test".to_owned()), true);
    locked.put("shop", shop, &key("pk_test_1"), Keeping::File).unwrap();
    locked.put("default", Profile::new(None, false), &key("pk_test_2"), Keeping::File).unwrap();
    let kept = profiles.get("shop").unwrap().unwrap();
    assert_eq!((kept.base_url.as_deref(), kept.allow_http), (Some("https://a.test"), true));
    assert_eq!(profiles.secret("shop", &kept).unwrap().to_text().unwrap().expose_secret(), "pk_test_1");
    assert!(!format!("{kept:?}").contains("pk_test"));
    assert!(locked.remove("shop").unwrap());
    assert!(profiles.get("shop").unwrap().is_none() && profiles.get("default").unwrap().is_some());
    for name in ["", "a/b", "..\n", "é", &"a".repeat(65)] {
        assert!(profiles.get(name).is_err(), "{name:?}");
    }
}

#[test]
fn nobody_else_may_read_them() {
    let home = tempfile::tempdir().unwrap();
    let profiles = Profiles::at(home.path().join("payin"));
    let locked = profiles.locked().unwrap();
    locked.put("default", Profile::new(None, false), &key("pk_test_1"), Keeping::File).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&profiles.path), mode(&home.path().join("payin"))), (0o600, 0o700));
    let mut files: Vec<_> = fs::read_dir(home.path().join("payin")).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["profiles.json", "profiles.lock"]);
    for open in [0o604, 0o640, 0o620, 0o666, 0o601] {
        fs::set_permissions(&profiles.path, fs::Permissions::from_mode(open)).unwrap();
        let refused = report(profiles.get("default").unwrap_err());
        assert_eq!((refused.code.as_str(), refused.exit), ("UNSAFE_PROFILES", Exit::Auth), "{open:o}");
        assert!(refused.hint.unwrap().contains("chmod 600"));
        assert!(locked.put("other", Profile::new(None, false), &key("k"), Keeping::File).is_err());
    }
    // What is broken is not quoted: it holds keys.
    fs::write(&profiles.path, "{\"profiles\": {\"default\": {\"apiKey\": \"pk_test_1\", }}}").unwrap();
    fs::set_permissions(&profiles.path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!report(profiles.get("default").unwrap_err()).message.contains("pk_test"));
}

#[test]
fn a_session_is_kept_as_one_text_and_a_text_that_is_broken_is_not_quoted() {
    let session = Secret::Session(Tokens { access: "a.b.c".into(), refresh: "r".into() });
    let text = session.to_text().unwrap();
    let Secret::Session(Tokens { access, refresh }) = Secret::read(text.expose_secret()).unwrap() else { panic!() };
    assert_eq!((access.expose_secret(), refresh.expose_secret()), ("a.b.c", "r"));
    let broken = report(Secret::read(r#"{"access":"a.b.c"}"#).unwrap_err());
    assert!(broken.exit == Exit::Auth && !broken.message.contains("a.b.c"), "{broken:?}");
}
