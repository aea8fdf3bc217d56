// Drives DOKU's Node SDK, as published, against KKI_BASE_URL and prints one JSON line for each step. Never a secret.
//
//   node drive.cjs [STEP...]          without arguments: every step, in the order below
//
// The SDK does not know KKI: its public payment refuses `otp`, `bankCardToken` and every channel but seven of its own
// before it sends anything. `_controllers/directDebitController` skips those checks and signs any body that has an
// additionalInfo; the KKI payments go through it.

"use strict";

const fs = require("node:fs");
const crypto = require("node:crypto");

// The SDK writes tokens and secrets to the console: nothing of that may get out. What would have is counted.
const printed = [];
for (const name of ["log", "info", "warn", "error", "debug", "trace"]) {
  console[name] = (...parts) => printed.push(parts.map(String).join(" "));
}

const Config = require("doku-nodejs-library/_commons/config");
const requestHeader = require("doku-nodejs-library/_commons/requestHeader");
const DirectDebitController = require("doku-nodejs-library/_controllers/directDebitController");
const CardRegistrationRequestDTO = require("doku-nodejs-library/_models/cardRegistrationRequestDTO");
const CardUnRegistUnbindRequestDTO = require("doku-nodejs-library/_models/cardUnregistUnbindRequestDTO");
const OriginDto = require("doku-nodejs-library/_models/originDTO");
const {
  PaymentRequestDto, TotalAmountDto, PaymentAdditionalInfoRequestDto,
} = require("doku-nodejs-library/_models/paymentRequestDirectDebitDTO");
const RefundRequestDto = require("doku-nodejs-library/_models/refundRequestDTO");
const Snap = require("doku-nodejs-library/_modules/snap");
const directDebitService = require("doku-nodejs-library/_services/directDebitService");
const tokenService = require("doku-nodejs-library/_services/tokenService");

const env = process.env;
const baseUrl = new URL(env.KKI_BASE_URL);
if (!["127.0.0.1", "localhost", "[::1]"].includes(baseUrl.hostname)) {
  process.stderr.write("KKI_BASE_URL: expected an address on loopback.\n");
  process.exit(2);
}
Config.CORE_SANDBOX_BASE_URL = env.KKI_BASE_URL;

const clientId = env.KKI_CLIENT_ID;
const secretKey = env.KKI_CLIENT_SECRET;
const privateKey = fs.readFileSync(env.KKI_PRIVATE_KEY, "utf8");
const cardTokens = (env.KKI_CARD_TOKENS || "").split(",");
const ipAddress = env.KKI_IP_ADDRESS || "192.168.1.1";
const returnUrls = { successRegistrationUrl: "https://shop.example/yes", failedRegistrationUrl: "https://shop.example/no" };

const controller = new DirectDebitController();
const reference = () => crypto.randomBytes(16).toString("hex"); // 32 characters: fits a payment and its refund
let snap;
let paid; // the reference of a payment that succeeded

/** A KKI body through the SDK's own signing and sending. */
async function pay(fields) {
  const body = { partnerReferenceNo: reference(), ...fields };
  body.additionalInfo = { ...fields.additionalInfo };
  const reply = await controller.doPayment(
    body, privateKey, clientId, snap.tokenB2B, snap.tokenB2b2c, secretKey, false, ipAddress,
  );
  paid = paid || body.partnerReferenceNo;
  return { reply, reference: body.partnerReferenceNo };
}

/** The SDK's public payment, with the members that its own model has. */
async function payPublicly(channel, changes) {
  const info = new PaymentAdditionalInfoRequestDto(channel, "order", "https://shop.example/yes", "https://shop.example/no");
  delete info.lineItems;
  const request = new PaymentRequestDto(reference(), new TotalAmountDto("10000.00", "IDR"), [], info, env.KKI_CPAN);
  delete request.payOptionDetails;
  Object.assign(request, changes);
  return { reply: await snap.doPayment(request, env.KKI_AUTH_CODE, ipAddress), reference: request.partnerReferenceNo };
}

/** Every member that a card has in the SDK's model. */
const card = () => ({ bankCardNo: env.KKI_CPAN, bankCardType: "D", expiryDate: "1230" });
const customer = () => "C" + crypto.randomBytes(8).toString("hex");

const steps = {
  async token() {
    return { reply: await snap.getTokenB2B() };
  },
  async "customer-token"() {
    return { reply: await snap.getTokenB2B2c(env.KKI_AUTH_CODE) };
  },
  "payment-cpan": () => pay({ chargeToken: env.KKI_CPAN, otp: env.KKI_OTP }),
  "payment-cpan-tokenise": () =>
    pay({ chargeToken: env.KKI_CPAN, otp: env.KKI_OTP, additionalInfo: { isBindAndPay: "true" } }),
  "payment-token": () => pay({ bankCardToken: cardTokens[0] }),
  "payment-recurring": () => pay({ bankCardToken: cardTokens[0], additionalInfo: { paymentType: "RECURRING" } }),
  "payment-awkward-text": () =>
    pay({ bankCardToken: cardTokens[0], additionalInfo: { note: "café <dana> & 50% \"a/b\"  two blanks é" } }),
  "payment-public": () => payPublicly("DIRECT_DEBIT_BRI_SNAP", {}),
  "payment-public-otp": () => payPublicly("DIRECT_DEBIT_BRI_SNAP", { otp: env.KKI_OTP }),
  "payment-public-kki": () => payPublicly("KARTU_KREDIT_INDONESIA", {}),
  async bind() {
    const info = { channel: "DIRECT_DEBIT_BRI_SNAP", ...returnUrls };
    const request = new CardRegistrationRequestDTO(card(), customer(), "6281234567890", info);
    return { reply: await snap.doRegistrationCardBind(request), reference: request.custIdMerchant };
  },
  // The SDK seals the card under the key that it signs with. With its own parts, but under the shared key:
  async "bind-shared-key"() {
    const body = {
      partnerReferenceNo: reference(),
      cardData: directDebitService.encryptCbc(JSON.stringify(card()), env.KKI_SHARED_KEY),
      custIdMerchant: customer(),
      additionalInfo: { origin: new OriginDto().toObject() },
    };
    const timestamp = tokenService.generateTimestamp();
    const endPointUrl = Config.DIRECT_DEBIT_CARD_BINDING_URL;
    const signature = tokenService.generateSymmetricSignature("POST", endPointUrl, snap.tokenB2B, body, timestamp, secretKey);
    const header = requestHeader.generateRequestHeader({
      timestamp, signature, clientId, externalId: Date.now().toString(), tokenB2B: snap.tokenB2B, endPointUrl, requestDto: body,
    });
    const reply = await directDebitService.doRegistrationCardBindProcess(header, body, false);
    return { reply, reference: body.custIdMerchant };
  },
  async refund() {
    const number = crypto.randomBytes(6).toString("hex"); // 12 characters, the page's maximum
    const amount = new TotalAmountDto("10000.00", "IDR");
    const info = { channel: "KARTU_KREDIT_INDONESIA" }; // doRefund, unlike doPayment, takes any channel
    const request = new RefundRequestDto(paid, amount, number, undefined, "Request by Customer", info);
    return { reply: await snap.doRefund(request, env.KKI_AUTH_CODE, ipAddress), reference: number };
  },
  async unbind() {
    const request = new CardUnRegistUnbindRequestDTO(cardTokens.at(-1), { channel: "DIRECT_DEBIT_BRI_SNAP" });
    return { reply: await snap.doUnRegistCardUnBind(request), reference: "" };
  },
};

/** responseCode and the like, wherever the SDK left them: doRegistrationCardBind hands out axios's whole response. */
function told(reply) {
  const data = reply && reply.data ? reply.data : reply || {};
  return { code: data.responseCode ?? null, message: data.responseMessage ?? null };
}

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

async function run(name) {
  try {
    const { reply, reference: named = "" } = await steps[name]();
    say({ step: name, ...told(reply), reference: named });
  } catch (error) {
    if (error.response) say({ step: name, ...told(error.response), reference: "" });
    else say({ step: name, code: null, message: null, reference: "", error: error.name });
  }
}

async function main() {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !(name in steps));
  if (unknown.length) throw new Error(`Unknown step: ${unknown.join(", ")}. There are: ${Object.keys(steps).join(", ")}.`);
  process.on("unhandledRejection", () => {}); // the constructor fetches a token that nobody waits for
  snap = new Snap({ isProduction: false, privateKey, clientID: clientId, secretKey, publicKey: "", dokuPublicKey: "", issuer: "" });
  for (const name of wanted.length ? wanted : Object.keys(steps)) await run(name);
  const secrets = [secretKey, snap.tokenB2B, snap.tokenB2b2c].filter(Boolean);
  const leaks = printed.filter((line) => secrets.some((secret) => line.includes(secret))).length;
  say({ step: "console", lines: printed.length, with_secrets: leaks });
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
});
