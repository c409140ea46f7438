"""What schemathesis may not count as a failure, each with its reason, and what it sends that it could not know. Nothing else
belongs here: any other finding is mended in the server or in openapi.yaml."""

import itertools
import re

import schemathesis

# Refusals (400) of requests that openapi.yaml's schemas allow, because the rule is none that JSON Schema can say: the refusal's
# code and field, words of its message, and why.
BEYOND_SCHEMAS = [
    ("INVALID_CHAIN", None, "", "which chains are enabled is the deployment's business"),
    ("INVALID_CURRENCY", None, "", "which tokens a chain has is the deployment's business"),
    ("INVALID_AMOUNT", None, " decimals", "how many decimals a token has depends on the token and the chain"),
    ("VALIDATION_ERROR", "paymentWindowMinutes", "together", "a limit on the sum of two fields"),
    ("VALIDATION_ERROR", "metadata", "nested at most", "schemas do not count depth"),
    ("VALIDATION_ERROR", "metadata", "bytes as JSON", "schemas do not count bytes"),
    ("VALIDATION_ERROR", "events", "cannot be subscribed to", "events are an open list: the next version has more"),
    ("VALIDATION_ERROR", "type", "is not one of the words", "as before"),
    ("VALIDATION_ERROR", "expiresAt", "must be in the future", "schemas do not know what time it is"),
    ("VALIDATION_ERROR", "secret", "is the present secret", "schemas do not know what stands in the database"),
    ("VALIDATION_ERROR", "value", "takes", "what a setting takes depends on the setting, which is in the path"),
    ("VALIDATION_ERROR", "value", "must be", "as before"),
    ("VALIDATION_ERROR", "query", "missing field `protocol`", "only a body that is CSV needs it, and a parameter knows no bodies"),
    ("VALIDATION_ERROR", "query", "only with a text/csv body", "as before, the other way round"),
    ("INVALID_AMOUNT", None, "this payment link says", "who says the amount depends on the link, which is in the path"),
    ("INVALID_AMOUNT", None, "the payer says", "an amount and who says it go together"),
    ("INVALID_AMOUNT", None, "must be a positive number", "as before: 0 means that the payer says"),
    ("VALIDATION_ERROR", "xpub", "must be an extended public key", "an extended public key has a checksum and a point on a curve"),
    ("VALIDATION_ERROR", "mode", "derived from an xpub", "which mode goes with what is imported"),
    ("VALIDATION_ERROR", "startIndex", "there are no addresses there", "together with count"),
    ("VALIDATION_ERROR", "currencies", "only one can be primary", "schemas do not compare items"),
    ("VALIDATION_ERROR", "currencies", "twice", "as before"),
    ("VALIDATION_ERROR", "key", "set by the server's operator", "which setting it is stands in the path"),
    ("VALIDATION_ERROR", "slug", "taken by the gateway itself", "the one word that is a path of ours"),
    ("VALIDATION_ERROR", "value", "URL", "as the URLs below"),
    ("VALIDATION_ERROR", "inventoryTotal", "", "never fewer than are sold or reserved"),
    ("VALIDATION_ERROR", "body", "cannot be kept exactly", "schemas do not count the digits of a number"),
    ("VALIDATION_ERROR", None, "floating point", "to JSON Schema 2.0 is an integer; here a whole number is written as one"),
    ("INVALID_BODY", None, "duplicate field", "webhook_url and callback_url are one field under two names"),
    ("INVALID_BODY", None, "nested at most", "schemas do not count depth"),
    ("INVALID_BODY", None, "bytes as JSON", "schemas do not count bytes"),
    ("INVALID_BODY", None, "cannot be kept exactly", "schemas do not count the digits of a number"),
    ("INVALID_BODY", None, "must be an extended public key", "an extended public key has a checksum and a point on a curve"),
    ("VALIDATION_ERROR", "page", "together with after", "a page and a cursor are two ways to read"),
    ("VALIDATION_ERROR", "endpointId", "together with after", "as before: how deliveries stand changes while a reader goes along"),
    ("VALIDATION_ERROR", "status", "together with after", "as before"),
    ("VALIDATION_ERROR", "after", "is no cursor", "a cursor is what was given, and no schema knows what was"),
    ("VALIDATION_ERROR", "cursor", "must be the nextCursor of an earlier answer", "as before"),
    ("VALIDATION_ERROR", "createdBefore", "later than createdAfter", "schemas do not compare fields"),
    ("CURSOR_UNKNOWN", None, "", "which cursors there are stands in the database"),
    ("VALIDATION_ERROR", "address", "a wallet of yours already", "which wallets there are stands in the database"),
    ("VALIDATION_ERROR", "xpub", "a wallet of yours already", "as before"),
    ("VALIDATION_ERROR", "nonce", "is taken by order", "which nonces were used stands in the database"),
    ("VALIDATION_ERROR", None, "webhook endpoints, as many as there may be", "how many there are stands in the database"),
    ("INVALID_BODY", None, "there are several accounts here: say which", "as before"),
    ("VALIDATION_ERROR", "expires_at", "from now, which is", "schemas do not know what time it is"),
    ("VALIDATION_ERROR", "order_info", "must be a string that is JSON", "schemas do not read what is within a text"),
    ("VALIDATION_ERROR", "order_info", "twice in one object", "as before"),
    ("VALIDATION_ERROR", "order_info", "cannot be kept exactly", "as before"),
    ("VALIDATION_ERROR", "order_info", "bytes as JSON", "schemas do not count bytes"),
    ("VALIDATION_ERROR", "currency", "is not supported on", "which tokens a chain has is the deployment's business"),
    ("VALIDATION_ERROR", "currency", "is the native coin of", "as before"),
    ("VALIDATION_ERROR", "amount", "; this token has", "how many decimals a token has depends on the token and the chain"),
    ("VALIDATION_ERROR", "address", "the EIP-55 checksum is wrong", "schemas do not reckon"),
    ("VALIDATION_ERROR", "address", "nobody owns the zero address", "the one address that is none"),
    ("VALIDATION_ERROR", "address", "in your pool already", "which wallets there are stands in the database"),
    ("VALIDATION_ERROR", "address", "cannot be changed", "as before"),
    ("VALIDATION_ERROR", "email", "cannot be used", "who has an account stands in the database"),
    ("VALIDATION_ERROR", "line", "so nothing was imported", "addresses have checksums, and fit the family or not"),
]

# What is wrong with a URL though its pattern is right: a regular expression is no reader of URLs (ports, hosts, IPv6, punycode). Fields
# that payers are sent by may have placeholders, and those that events are sent to may not have a fragment.
URL_FIELDS = ["url", "webhook_url", "redirect_url", "successUrl", "cancelUrl"]
URL_WORDS = [
    "must be an absolute URL",
    "must not contain a user name or password",
    "must not contain spaces or control characters",
    "must not have a placeholder in its host",
    "must not have a #fragment",
]
BEYOND_SCHEMAS += [("VALIDATION_ERROR", field, words, "as said above") for field in URL_FIELDS for words in URL_WORDS]
# PayWarden's errors name the field in the sentence.
BEYOND_SCHEMAS += [("INVALID_BODY", None, f"webhook_url: {words}", "as said above") for words in URL_WORDS]


def is_documented(case, response):
    """Whether openapi.yaml names the status for this operation."""
    return str(response.status_code) in case.operation.definition.raw.get("responses", {})


def is_listed(code, fields, said):
    """Whether a refusal with this code, about these fields, in these words is in the list above."""
    return any(code == listed and (field is None or field in fields) and words in said for listed, field, words, _ in BEYOND_SCHEMAS)


def is_beyond_schemas(problem):
    """Whether all that a refusal says is in the list above."""
    error = problem.get("error")
    if isinstance(error, dict):
        # CryptoPay's: in an envelope, and everything that is wrong by its field.
        texts = [(field, text) for field, texts in error.get("details", {}).items() for text in texts]
        return all(is_listed(error["code"], {field}, text) for field, text in texts or [(None, error["message"])])
    details = [one for one in problem.get("details") or [{}] if isinstance(one, dict)]
    fields = {"line" if "line" in one else one.get("field") for one in details}
    return is_listed(problem.get("code"), fields, problem.get("message", error or ""))


def is_null_of_an_optional_field(case, failure):
    """Whether all that was wrong with a request was `null` in fields that might be left out, which openapi.yaml says is the same."""
    wrong = re.findall(r"in body - (\w+): Incorrect type", failure.message)
    return isinstance(case.body, dict) and bool(wrong) and all(field in case.body and case.body[field] is None for field in wrong)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keeps a failure, unless it is one of the four that are none."""
    if failure.code == "ST301":
        # A merchant that is closed has lost its keys, and stays with all that belongs to it.
        return not case.operation.path.startswith("/api/v1/admin/merchants/")
    if failure.code == "ST101" and response.status_code == 503:
        # The documented "not now", such as an exhausted address pool. Any other 5xx fails.
        return not is_documented(case, response)
    if failure.code == "ST202" and response.status_code in (400, 410):
        return not is_beyond_schemas(response.json())
    if failure.code == "ST201":
        return not is_null_of_an_optional_field(case, failure)
    return True


EXAMPLE_KEY = "order-2025-001-retry-1"
FRESH = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives nearly every call that would use openapi.yaml's example of an idempotency key one of its own: under the same key,
    sent every time, nearly every answer would be IDEMPOTENCY_KEY_CONFLICT. In a sequence no key comes twice: a replayed answer
    shows what may have been deleted since, and schemathesis would miss it."""
    key = case.headers.get("Idempotency-Key") if case.headers else None
    if not key or case.meta is None:
        return
    number = next(FRESH)
    in_sequence = case.meta.phase.name.value == "stateful" and case.meta.generation.mode.is_positive
    if in_sequence or (key == EXAMPLE_KEY and number % 8):
        case.headers["Idempotency-Key"] = f"{key[:200]}-{number}"
