//! What is kept, and from whom.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn report(failure: Failure) -> Box<crate::failure::Report> {
    let Failure::Told(report) = failure else { panic!() };
    report
}

#[test]
fn keys_come_and_go() {
    let home = tempfile::tempdir().unwrap();
    let profiles = Profiles::at(home.path().join("deep/payin"));
    assert!(profiles.get("default").unwrap().is_none() && !profiles.remove("default").unwrap());
    let shop = Profile::new(Some("https://a.test".to_owned()), true);
    profiles.put("shop", shop, &"pk_test_1".into(), Keeping::File).unwrap();
    profiles.put("default", Profile::new(None, false), &"pk_test_2".into(), Keeping::File).unwrap();
    let kept = profiles.get("shop").unwrap().unwrap();
    assert_eq!((kept.base_url.as_deref(), kept.allow_http), (Some("https://a.test"), true));
    assert_eq!(profiles.key("shop", &kept).unwrap().expose_secret(), "pk_test_1");
    assert!(!format!("{kept:?}").contains("pk_test"));
    assert!(profiles.remove("shop").unwrap());
    assert!(profiles.get("shop").unwrap().is_none() && profiles.get("default").unwrap().is_some());
    for name in ["", "a/b", "..\n", "é", &"a".repeat(65)] {
        assert!(profiles.get(name).is_err(), "{name:?}");
    }
}

#[test]
fn nobody_else_may_read_them() {
    let home = tempfile::tempdir().unwrap();
    let profiles = Profiles::at(home.path().join("payin"));
    profiles.put("default", Profile::new(None, false), &"pk_test_1".into(), Keeping::File).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&profiles.path), mode(&home.path().join("payin"))), (0o600, 0o700));
    assert_eq!(fs::read_dir(home.path().join("payin")).unwrap().count(), 1);
    for open in [0o604, 0o640, 0o620, 0o666, 0o601] {
        fs::set_permissions(&profiles.path, fs::Permissions::from_mode(open)).unwrap();
        let refused = report(profiles.get("default").unwrap_err());
        assert_eq!((refused.code.as_str(), refused.exit), ("UNSAFE_PROFILES", Exit::Auth), "{open:o}");
        assert!(refused.hint.unwrap().contains("chmod 600"));
        assert!(profiles.put("other", Profile::new(None, false), &"k".into(), Keeping::File).is_err());
    }
    // What is broken is not quoted: it holds keys.
    fs::write(&profiles.path, "{\"profiles\": {\"default\": {\"apiKey\": \"pk_test_1\", }}}").unwrap();
    fs::set_permissions(&profiles.path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!report(profiles.get("default").unwrap_err()).message.contains("pk_test"));
}
