/** Writes docs/configuration.md from the schemas: part of `npm run generate`. */
import { writeFileSync } from 'node:fs';
import { configurationPage, pagePath } from './page.ts';

writeFileSync(pagePath, configurationPage());
