/** For tests: the page in a real browser. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { TestApi } from '../api/testing.ts';

/** Undefined where there is none. */
export const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
);

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Opens the page of a server; `complaints` gathers script errors, refusals by policy and dialogs. */
export async function openPage(
  browser: Browser,
  api: TestApi,
  hash = '',
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  // Goes on like any clock, but can be put forward.
  await page.clock.install();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(`${api.api.url}/${hash}`);
  await page.locator('#connection[data-state=live]').waitFor();
  return { page, complaints };
}
