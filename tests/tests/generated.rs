//! Clients that openapi-generator makes of `openapi.yaml`, for Python and for TypeScript: they compile, and do against `payin-server dev`
//! what a merchant's program does first. Where generated code is wrong or ugly, `openapi.yaml` is mended.

use std::path::Path;
use std::time::Duration;

use payin_tests::nodes::dev::DevServer;
use payin_tests::nodes::from_scripts_test;
use payin_tests::nodes::program::{Command, Exit};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A Java program that reads ten thousand lines, on two cores that all tests share.
const DEADLINE: Duration = Duration::from_secs(240);

/// What is generated: everything but the operations under `webhooks`, which a client is asked and does not ask, and which the generator for
/// TypeScript writes wrongly.
const PARTS: &str = "apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false";

/// Names that the generator makes up where a schema has none, and ends of names where it could not make two things out as two.
const MADE_UP: [&str; 5] = ["Inner", "200Response", "400Response", "AllOf", "OneOf"];

async fn succeeded(command: Command) -> Exit {
    let exit = command.start().wait_within(DEADLINE).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    exit
}

/// A folder with the client, made by the jar that the package holds, under `payin`.
async fn generated(generator: &str, more: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi.yaml");
    let mut java = Command::at("java");
    // The first compiler alone: a program that runs for seconds gains nothing from the second.
    java.args(["-XX:TieredStopAtLevel=1", "-jar"]).arg(from_scripts_test("PAYIN_TEST_OPENAPI_GENERATOR"));
    java.args(["generate", "--input-spec"]).arg(contract).arg("--output").arg(folder.path().join("payin"));
    // Its validator wants the bodies of links to be text, where the standard takes any value.
    java.args(["--generator-name", generator, "--skip-validate-spec", "--global-property", PARTS]).args(more);
    let exit = succeeded(java).await;
    assert!(!exit.stdout.contains("FILEPATH_COLLISION"), "two things have one name: {}", exit.stdout);
    folder
}

/// The names of the models, of which none is made up.
fn models_have_names_of_their_own(folder: &Path) {
    let names: Vec<String> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().replace('_', "").to_lowercase())
        .collect();
    assert!(names.len() > 100, "{names:?}");
    let made_up: Vec<&String> = names.iter().filter(|name| MADE_UP.iter().any(|part| name.contains(&part.to_lowercase()))).collect();
    assert!(made_up.is_empty(), "give these schemas a `title` in openapi.yaml: {made_up:?}");
}

/// What a client's program has printed of what it did.
fn did(exit: &Exit) {
    let said = exit.json();
    let of = |what: &str| said[what].as_object().unwrap_or_else(|| panic!("no {what}: {said:#}")).clone();
    let (order, deposit, pages, error) = (of("order"), of("deposit"), of("pages"), of("error"));
    assert_eq!(
        (&order["reference"], &order["amount"], &order["status"], &order["metadata"]),
        (&json!("GENERATED-1"), &json!("12.50"), &json!("pending"), &json!({ "cart": 17 }))
    );
    assert!(order["address"].as_str().is_some_and(|address| address.starts_with("0x")) && order["lasts"] == 600, "{said:#}");
    assert_eq!((&deposit["reference"], &deposit["chain"]), (&json!("CUSTOMER-1"), &json!("ethereum-sepolia")));
    assert!(deposit["address"] != order["address"], "{said:#}");
    assert_eq!(Value::from(pages), json!({ "references": [["GENERATED-2", "GENERATED-3"], ["GENERATED-1"]], "total": 3 }));
    let expected = json!({ "status": 409, "code": "DUPLICATE_ORDER_REFERENCE", "existing": order["id"], "hasRequestId": true });
    assert_eq!(Value::from(error), expected);
}

#[tokio::test]
async fn python_creates_binds_pages_and_reads_an_error() {
    let folder = generated("python", &["--additional-properties", "packageName=payin_client"]).await;
    models_have_names_of_their_own(&folder.path().join("payin/payin_client/models"));
    let sandbox = DevServer::start().await;
    let mut python = sandbox.client(Command::at(from_scripts_test("PAYIN_TEST_OPENAPI_PYTHON")));
    python.env("PYTHONPATH", folder.path().join("payin")).args(["-c", include_str!("generated/client.py")]);
    did(&succeeded(python).await);
}

#[tokio::test]
async fn typescript_compiles_creates_binds_pages_and_reads_an_error() {
    let folder = generated("typescript-fetch", &["--additional-properties", "importFileExtension=.js"]).await;
    models_have_names_of_their_own(&folder.path().join("payin/models"));
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("client.ts", include_str!("generated/client.ts"));
    write("package.json", r#"{ "type": "module" }"#);
    let packages = from_scripts_test("PAYIN_TEST_TYPESCRIPT");
    std::os::unix::fs::symlink(&packages, folder.path().join("node_modules")).expect("a link to the packages");
    let options = json!({
        "compilerOptions": {
            "target": "es2022", "module": "nodenext", "strict": true, "types": ["node"], "rootDir": ".", "outDir": "built"
        },
        "include": ["client.ts", "payin"],
    });
    write("tsconfig.json", &options.to_string());
    let mut tsc = Command::at("node");
    tsc.arg(format!("{packages}/typescript/bin/tsc")).arg("--project").arg(folder.path());
    succeeded(tsc).await;
    let sandbox = DevServer::start().await;
    let mut node = sandbox.client(Command::at("node"));
    node.arg(folder.path().join("built/client.js"));
    did(&succeeded(node).await);
}
