// The server's certificate as PEM, for curl: node certificate.mjs URL FINGERPRINT

import { trust } from "./trust.mjs";
import "./report.mjs";

const [url, fingerprint] = process.argv.slice(2);
process.stdout.write((await trust(url, fingerprint)).ca);
