"""The one place where secrets stop: nothing leaves memory for a file, a terminal or a report but through here.

Two nets, one behind the other. Known values (from the profile, or learned from the traffic on the way) are found
wherever they stand: in any case, percent-encoded, JSON- or HTML-escaped, in Base64 or hexadecimal, in any bytes.
Unknown values are recognised by their place (a header, a member name at any depth) or their form (a JWT, a PEM
block, a card number, a signature). Each becomes a pseudonym, `‹bearer:1a2b3c›`: its kind and six hexadecimal digits
of an HMAC under the run's own random salt. Equal values keep equal pseudonyms within a run, and nobody can guess an
OTP back from one, since the salt is never written down. `‹bearer:1a2b3c~›`: the same value in another case or
encoding. Pseudonyms hold no character that JSON, XML or a URL in a report would need to escape.
"""

from __future__ import annotations

from kki.redaction.profiles import redactor_for, salt_for
from kki.redaction.redactor import MOST_LEARNED, PSEUDONYM, SHORTEST, Redactor

__all__ = ["MOST_LEARNED", "PSEUDONYM", "SHORTEST", "Redactor", "redactor_for", "salt_for"]
